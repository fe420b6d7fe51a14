use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{
    Account, Binding, InstallationId, InstallationRecord, InstallerRecord, NewBinding, OrganizationId,
    Status, timestamp,
};

/// The outcome of [`BindingRepo::insert`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertOutcome {
    /// The binding was written; this is the stored row.
    Inserted(Binding),
    /// The organization already has a live binding, to the same installation or another; this is the stored row.
    Occupied(Binding),
    /// Another organization has a live binding to the installation.
    Taken,
    /// The organization used this state for an earlier binding, live or released.
    Spent,
    /// The installation was uninstalled.
    Gone,
}

/// An observation about an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// GitHub reports the installation.
    Present {
        /// Active or suspended. [`Status::Uninstalled`] MUST be treated as [`Observation::Uninstalled`].
        status: Status,
        /// The account that the installation is on.
        account: Account,
        /// The time of the observation.
        verified_at: OffsetDateTime,
    },
    /// The installation was uninstalled, which is final.
    Uninstalled {
        /// The time of the observation.
        verified_at: OffsetDateTime,
    },
    /// The permissions or the repositories of the installation changed. The observation says nothing about its status.
    PermissionsChanged,
}

/// The outcome of [`BindingRepo::observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveOutcome {
    /// The observation was applied, whether it changed anything or not.
    Recorded,
    /// Nothing changed: a later observation is stored or, for [`Observation::PermissionsChanged`], the installation is
    /// unknown.
    Outdated,
    /// Nothing changed: the installation was uninstalled before, which is final.
    Gone,
}

/// A position in the order of reconciliation: a bound installation and the time of its last verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileCursor {
    /// The time of GitHub's last response about the installation.
    #[serde(serialize_with = "timestamp::serialize")]
    pub verified_at: OffsetDateTime,
    /// The installation.
    pub installation: InstallationId,
}

/// The outcome of [`BindingRepo::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// The binding was released; this is the row before the release.
    Released(Binding),
    /// Nothing changed: the organization has no live binding to the installation.
    NothingBound,
}

/// Stores bindings. Inserting one is the only durable write of a registration.
///
/// For every installation that was ever observed or bound, the repository keeps the account, the status and a generation
/// number that starts at 1, also after a release. The status `uninstalled` is final. Timestamps are kept to the
/// microsecond.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BindingRepo: Debug + Send + Sync + 'static {
    /// Returns the organization's live binding.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError>;

    /// Writes a binding if, at one instant, the organization has none, no other organization has the installation,
    /// the organization never spent the state, and the installation was not uninstalled. The conditions are tested in
    /// this order: [`InsertOutcome::Occupied`], [`InsertOutcome::Taken`], [`InsertOutcome::Gone`], [`InsertOutcome::Spent`].
    ///
    /// 1. The organization has no live binding ([`InsertOutcome::Occupied`]).
    /// 2. No other organization has a live binding to the installation ([`InsertOutcome::Taken`]).
    /// 3. The installation was not uninstalled, and the new status is not [`Status::Uninstalled`]
    ///    ([`InsertOutcome::Gone`]).
    /// 4. The organization never used the state for a binding ([`InsertOutcome::Spent`]).
    ///
    /// MUST be atomic under any number of concurrent calls: a constraint guarantees uniqueness, never a preceding read.
    /// MUST NOT move or change an existing binding. MUST return the row as stored, not as passed. The status and account
    /// of the new binding become those of the installation, unless the stored ones were verified later. A refused insert
    /// MUST NOT change what is stored about the installation.
    ///
    /// # Errors
    /// Infrastructure failures only. The row was written completely or not at all; repeating the call shows which.
    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError>;

    /// Stores an observation, also about an installation without a binding. MUST NOT create, move or release a binding.
    ///
    /// - [`Observation::Present`] MUST change nothing if a later observation is stored. One of the same time is applied.
    /// - [`Observation::Uninstalled`] is applied whatever its time, and no later observation changes the status.
    /// - A change of the status or the account, and [`Observation::PermissionsChanged`], raise the generation.
    /// - The stored `verified_at` MUST NOT decrease.
    ///
    /// The outcome MUST be that of the instant of the write, so that a concurrent later observation is not reported as
    /// this one.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, PortError>;

    /// Returns the stored facts about an installation, bound or not; `None` if it was never observed or bound.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError>;

    /// Stores who installed the installation, as a signed delivery of GitHub or its log named it. The first call for an
    /// installation wins, since an installation is installed once. The record is independent of all other facts about the
    /// installation, which may be unknown.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        recorded_at: OffsetDateTime,
    ) -> Result<(), PortError>;

    /// Returns who installed the installation, if it was recorded.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError>;

    /// Returns bound installations that are not uninstalled and were last verified before `before`: the longest
    /// unverified first, then by id; only those after `after` in this order; at most `limit`.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError>;

    /// Ends the organization's binding to the installation and raises the generation; the returned row has the earlier
    /// one. The row MUST be kept as history, so that its state cannot be used again.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError>;
}

forward!(BindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError>;
    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError>;
    async fn observe(&self, installation: InstallationId, observation: Observation) -> Result<ObserveOutcome, PortError>;
    async fn installation(&self, installation: InstallationId) -> Result<Option<InstallationRecord>, PortError>;
    async fn record_installer(&self, installation: InstallationId, record: InstallerRecord, recorded_at: OffsetDateTime) -> Result<(), PortError>;
    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError>;
    async fn stale(&self, before: OffsetDateTime, after: Option<ReconcileCursor>, limit: u32) -> Result<Vec<ReconcileCursor>, PortError>;
    async fn release(&self, organization: &OrganizationId, installation: InstallationId, released_at: OffsetDateTime) -> Result<ReleaseOutcome, PortError>;
} );
