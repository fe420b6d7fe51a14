use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{
    Account, Actor, Binding, Change, InstallationId, InstallationRecord, InstallerRecord, NewBinding,
    OrganizationId, Status, spelled, stored_time, timestamp,
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
    /// The installation was uninstalled for good, is ending, or its account was erased and the binding's facts are older than
    /// its last observation.
    Gone,
}

/// An observation about an installation. Times are those of the requests to GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// GitHub shows the installation, for our App and on the known account.
    Present {
        /// Active or suspended. An observation with [`Status::Uninstalled`] MUST be treated as [`Observation::Missing`].
        status: Status,
        /// The account that the installation is on.
        account: Account,
        /// The time of the request.
        asked_at: OffsetDateTime,
        /// The time of the next look.
        next_look_at: OffsetDateTime,
    },
    /// GitHub returned its own 404, and accepts the App's credential.
    Missing {
        /// The time of the request.
        asked_at: OffsetDateTime,
    },
    /// GitHub accepted our request to uninstall, and has not confirmed the end.
    Ending {
        /// The time of the request.
        at: OffsetDateTime,
    },
    /// GitHub confirmed our request to uninstall, which is final.
    UninstalledByUs {
        /// The time of the request.
        at: OffsetDateTime,
    },
    /// GitHub's signed webhook reported the end, which is final.
    Deleted {
        /// The time of the delivery.
        at: OffsetDateTime,
    },
    /// The permissions or the repositories of the installation changed. The observation says nothing about its status.
    PermissionsChanged {
        /// The time of the delivery.
        at: OffsetDateTime,
    },
}

impl Observation {
    /// Returns the time of the request or the delivery.
    #[must_use]
    pub const fn at(&self) -> OffsetDateTime {
        match self {
            Self::Present { asked_at: at, .. }
            | Self::Missing { asked_at: at }
            | Self::Ending { at }
            | Self::UninstalledByUs { at }
            | Self::Deleted { at }
            | Self::PermissionsChanged { at } => *at,
        }
    }

    /// Returns the observation with its times as stores keep them. A 200 that reports an uninstalled installation is
    /// [`Observation::Missing`].
    #[must_use]
    pub fn stored(self) -> Self {
        match self {
            Self::Present { status: Status::Uninstalled, asked_at, .. } | Self::Missing { asked_at } => {
                Self::Missing { asked_at: stored_time(asked_at) }
            }
            Self::Present { status, account, asked_at, next_look_at } => Self::Present {
                status,
                account,
                asked_at: stored_time(asked_at),
                next_look_at: stored_time(next_look_at),
            },
            Self::Ending { at } => Self::Ending { at: stored_time(at) },
            Self::UninstalledByUs { at } => Self::UninstalledByUs { at: stored_time(at) },
            Self::Deleted { at } => Self::Deleted { at: stored_time(at) },
            Self::PermissionsChanged { at } => Self::PermissionsChanged { at: stored_time(at) },
        }
    }
}

/// The result of [`BindingRepo::observe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The outcome.
    pub outcome: ObserveOutcome,
    /// The change that the observation made; `None` if it moved times at most.
    pub change: Option<Change>,
}

spelled! {
    /// The outcome of an observation.
    pub enum ObserveOutcome("outcome of an observation") {
        /// The observation was applied, whether it changed anything or not.
        Recorded = "recorded",
        /// The 404 was applied: the installation, which GitHub showed before, is missing now.
        Missing = "missing",
        /// The 404 was applied: the installation is uninstalled by absence now.
        Absent = "absent",
        /// The 404 moved only the times of the looks, since too many bindings are missing or absent.
        Held = "held",
        /// The installation stays `ending`, whatever GitHub shows.
        Ending = "ending",
        /// Nothing changed: a later observation is stored, or the installation is unknown and the observation stores nothing
        /// about an unknown one.
        Outdated = "outdated",
        /// Nothing changed: the installation was uninstalled before, which is final. For [`Observation::PermissionsChanged`],
        /// it may also be absent.
        Gone = "gone",
    }
}

/// The bound installations that [`BindingRepo::due`] lists, and their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconcileScope {
    /// Those whose next look is due before this time, the longest due first, then by id. Also those whose last look is more
    /// than [`CLOCK_TOLERANCE`](crate::rules::life::CLOCK_TOLERANCE) after it, which a wrong clock dated.
    Due(OffsetDateTime),
    /// Those whose last look was before this time, by id.
    ObservedBefore(OffsetDateTime),
}

/// A position in the order of reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileCursor {
    /// The time from which a look at the installation is due. [`ReconcileScope::ObservedBefore`] ignores it.
    #[serde(serialize_with = "timestamp::serialize")]
    pub next_look_at: OffsetDateTime,
    /// The installation.
    pub installation: InstallationId,
}

/// The outcome of [`BindingRepo::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one value per call, which is taken apart at once")]
pub enum ReleaseOutcome {
    /// The binding was released; this is the row before the release.
    Released(Binding),
    /// Nothing changed: the organization has no live binding to the installation.
    NothingBound,
}

/// Stores bindings. Inserting one is the only durable write of a registration.
///
/// For every installation that was ever observed or bound, the repository keeps the account, the status and a generation
/// number that starts at 1, also after a release. [`rules::life`](crate::rules::life) is the table by which observations
/// change them.
///
/// What may be deleted: an unbound installation whose end is not final, and the record of an installer of an unbound
/// installation, 30 days after they were last observed, released or recorded; the account of a final end after the same time.
/// Bindings, live or released, the states that they spent, and ends that are final MUST be kept for ever.
///
/// If the product consumes the [`Outbox`](super::Outbox) of the App, every [`Change`] of a bound installation that
/// [`rules::events::of`](crate::rules::events::of) names MUST be stored in the organization's queue, in the same atomic step.
/// The change of a release goes to the queue of the organization that was bound. The changes of [`insert`](Self::insert) and
/// [`release`](Self::release) carry the actor. Its `received_at` is the time of the registration, the release or the observation.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BindingRepo: Debug + Send + Sync + 'static {
    /// Returns the organization's live binding.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError>;

    /// Writes a binding if, at one instant, the organization has none, no other organization has the installation,
    /// the organization never spent the state, and the installation has not ended. The conditions are tested in this order:
    ///
    /// 1. The organization has no live binding ([`InsertOutcome::Occupied`]).
    /// 2. No other organization has a live binding to the installation ([`InsertOutcome::Taken`]).
    /// 3. The installation was not uninstalled by deletion or by us and is not ending, the new status is not
    ///    [`Status::Uninstalled`], and if its account was erased ([`DataSubjects`](super::DataSubjects)), `last_verified_at` is
    ///    not before its last observation ([`InsertOutcome::Gone`]). An installation that is missing or absent can be bound.
    ///    [`rules::life::can_be_bound`](crate::rules::life::can_be_bound) decides all but the status.
    /// 4. The organization never used the state for a binding ([`InsertOutcome::Spent`]).
    ///
    /// MUST be atomic under any number of concurrent calls: a constraint guarantees uniqueness, never a preceding read.
    /// MUST NOT move or change an existing binding. MUST return the row as stored, not as passed. The facts of the new
    /// binding count as [`Observation::Present`] asked at `last_verified_at`; if they are outdated, the binding is made
    /// nevertheless. If a [`Directory`](super::Directory) reads the same store, the binding's `facts` MUST be stored in the same
    /// step, as `Directory::record_facts` asked at `last_verified_at` does, unless they cannot be stored. A refused insert MUST NOT change what is stored about the installation.
    ///
    /// # Errors
    /// Infrastructure failures only. The row was written completely or not at all; repeating the call shows which.
    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError>;

    /// Stores an observation, also about an installation without a binding, by the table of
    /// [`rules::life`](crate::rules::life). MUST NOT create, move or release a binding.
    ///
    /// The record before, the bound on missing bindings and the write MUST be one atomic step, and the outcome and the change
    /// MUST be those of this step, so that a concurrent later observation is not reported as this one.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError>;

    /// Returns the stored facts about an installation, bound or not; `None` if it was never observed or bound.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError>;

    /// Stores who installed the installation, as a signed delivery of GitHub or its log named it. The first call for an
    /// installation wins, since an installation is installed once; a later one neither replaces nor renews it. The record is independent of all other facts about the
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

    /// Puts the next look at an installation forward to `next_look_at`, because a look failed. Changes nothing if it is
    /// later already, if there is none, or if the installation is unknown.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError>;

    /// Returns bound installations in the scope, without those that were uninstalled by deletion or by us; only those
    /// after `after` in the scope's order; at most `limit`.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError>;

    /// Ends the organization's binding to the installation and raises the generation; the returned row has the earlier
    /// one. The row MUST be kept as history with `actor`, who asked for the release, so that its state cannot be used again.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError>;
}

forward!(BindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError>;
    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError>;
    async fn observe(&self, installation: InstallationId, observation: Observation) -> Result<Observed, PortError>;
    async fn installation(&self, installation: InstallationId) -> Result<Option<InstallationRecord>, PortError>;
    async fn record_installer(&self, installation: InstallationId, record: InstallerRecord, recorded_at: OffsetDateTime) -> Result<(), PortError>;
    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError>;
    async fn postpone(&self, installation: InstallationId, next_look_at: OffsetDateTime) -> Result<(), PortError>;
    async fn due(&self, scope: ReconcileScope, after: Option<ReconcileCursor>, limit: u32) -> Result<Vec<ReconcileCursor>, PortError>;
    async fn release(&self, organization: &OrganizationId, installation: InstallationId, actor: &Actor, released_at: OffsetDateTime) -> Result<ReleaseOutcome, PortError>;
} );
