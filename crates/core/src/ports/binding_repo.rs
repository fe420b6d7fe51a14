use std::fmt::Debug;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{Account, Binding, InstallationId, NewBinding, OrganizationId, Status};

/// Outcome of [`BindingRepo::insert`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
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
}

/// Outcome of [`BindingRepo::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
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

    /// The live binding to an installation, whoever has it: for operators and webhooks, never for a caller.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError>;

    /// Writes a binding if, at one instant, the organization has none, no other organization has the installation,
    /// the organization never spent the state, and the installation was not uninstalled. The conditions are tested in
    /// this order: [`Insertion::Occupied`], [`Insertion::Taken`], [`Insertion::Gone`], [`Insertion::Spent`].
    ///
    /// MUST be atomic and safe under any number of concurrent calls: uniqueness holds by constraint, never by a
    /// preceding read (L-02, L-50, L-51). MUST NOT move or touch an existing binding (L-06). The answer is the row as
    /// stored, never as tried (L-64). The new binding's status and account become the installation's unless those that
    /// are kept were verified later; a refused insert teaches nothing. A new binding whose status is
    /// [`Status::Uninstalled`] is [`Insertion::Gone`].
    ///
    /// # Errors
    /// Infrastructure only; the row is written or not, and repeating the call tells which.
    async fn insert(&self, binding: NewBinding) -> Result<Insertion, PortError>;

    /// Takes note of what GitHub said, also about an installation that nobody has bound. Never creates, moves or
    /// releases a binding (L-29). [`Observation::Present`] older than what is kept MUST change nothing; one of the same
    /// time or later counts. [`Observation::Uninstalled`] counts whatever its time, and after it nothing changes the
    /// status again (invariant I7). Raises the generation where the status or the account changes. `verified_at` MUST
    /// NOT go back.
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
    async fn observe(&self, installation: InstallationId, observation: Observation) -> Result<(), PortError>;

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
    ) -> Result<Release, PortError>;
}
