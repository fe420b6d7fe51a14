use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{
    Account, AccountId, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, Status,
    timestamp,
};

/// Outcome of [`BindingRepo::insert`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Written; the row as it stands.
    Inserted(Binding),
    /// The organization has a live binding already: the same installation or another.
    Occupied(Binding),
    /// Another organization has a live binding to the installation.
    Taken,
    /// The organization has spent this state before, on a binding that is live or released.
    Spent,
    /// The installation was uninstalled.
    Gone,
}

/// What GitHub said about an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It exists.
    Present {
        /// Active or suspended. [`Status::Uninstalled`] here MUST count as [`Observation::Uninstalled`].
        status: Status,
        /// The account that it is on.
        account: Account,
        /// When GitHub said so.
        verified_at: OffsetDateTime,
    },
    /// It is gone, for ever.
    Uninstalled {
        /// When GitHub said so.
        verified_at: OffsetDateTime,
    },
    /// What it may reach was changed: its permissions or its repositories (L-41). Says nothing about its status.
    PermissionsChanged,
}

/// Outcome of [`BindingRepo::observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveOutcome {
    /// It counts, whether it changed anything or not.
    Recorded,
    /// Something later is kept, or, for [`Observation::PermissionsChanged`], nothing is known of the installation. Nothing
    /// changed.
    Outdated,
    /// The installation was uninstalled before, and that stands. Nothing changed.
    Gone,
}

/// Where a sweep stands: a bound installation, and when GitHub last answered about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileCursor {
    /// The time of GitHub's last answer.
    #[serde(serialize_with = "timestamp::serialize")]
    pub verified_at: OffsetDateTime,
    /// The installation.
    pub installation: InstallationId,
}

/// Outcome of [`BindingRepo::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// Released; the binding as it stood.
    Released(Binding),
    /// The organization has no live binding to that installation. Nothing changed.
    NothingBound,
}

/// Where bindings live: the one durable write of a registration.
///
/// The repository also remembers, for every installation that it was ever told of, its account, its status and a
/// generation number (from 1), bound or not; `uninstalled` is absorbing. Timestamps are kept to the microsecond.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BindingRepo: Debug + Send + Sync + 'static {
    /// The organization's live binding.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError>;

    /// Writes a binding if, at one instant, the organization has none, no other organization has the installation,
    /// the organization never spent the state, and the installation was not uninstalled. The conditions are tested in
    /// this order: [`InsertOutcome::Occupied`], [`InsertOutcome::Taken`], [`InsertOutcome::Gone`], [`InsertOutcome::Spent`].
    ///
    /// MUST be atomic and safe under any number of concurrent calls: uniqueness holds by constraint, never by a
    /// preceding read (L-02, L-50, L-51). MUST NOT move or touch an existing binding (L-06). The answer is the row as
    /// stored, never as tried (L-64). The new binding's status and account become the installation's unless those that
    /// are kept were verified later; a refused insert teaches nothing. A new binding whose status is
    /// [`Status::Uninstalled`] is [`InsertOutcome::Gone`].
    ///
    /// # Errors
    /// Infrastructure only; the row is written or not, and repeating the call tells which.
    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError>;

    /// Takes note of what GitHub said, also about an installation that nobody has bound. Never creates, moves or
    /// releases a binding (L-29). [`Observation::Present`] older than what is kept MUST change nothing; one of the same
    /// time or later counts. [`Observation::Uninstalled`] counts whatever its time, and after it nothing changes the
    /// status again (invariant I7). Raises the generation where the status or the account changes, and for
    /// [`Observation::PermissionsChanged`]. `verified_at` MUST NOT go back.
    ///
    /// The answer MUST be that of the moment in which the observation was written, so that a rival's later one is not
    /// taken for ours.
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, PortError>;

    /// What is kept of an installation, bound or not; `None` where GitHub was never heard of about it.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError>;

    /// Remembers who installed an installation, by a signed delivery of GitHub's. The first one stands: nobody installs
    /// the same installation twice. Independent of everything else that is kept of it, also where nothing is.
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
    async fn record_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError>;

    /// Who installed it, where that was noted.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError>;

    /// Installations with a live binding about which GitHub's last answer is older than `before`, but for those that
    /// are uninstalled; the longest unverified first, and by number among equals. Only those that come later in this
    /// order than `after`; at most `limit`.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError>;

    /// Ends the organization's binding to that installation. The row is kept as history, its state stays spent, the
    /// generation is raised; the answer holds the one before.
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
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
    async fn record_installer(&self, installation: InstallationId, installer: AccountId, noted_at: OffsetDateTime) -> Result<(), PortError>;
    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError>;
    async fn stale(&self, before: OffsetDateTime, after: Option<ReconcileCursor>, limit: u32) -> Result<Vec<ReconcileCursor>, PortError>;
    async fn release(&self, organization: &OrganizationId, installation: InstallationId, released_at: OffsetDateTime) -> Result<ReleaseOutcome, PortError>;
} );
