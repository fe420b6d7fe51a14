use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::forward;
use crate::error::PortError;
use crate::model::{
    IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim,
};

/// The outcome of [`StateStore::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The state was stored.
    Stored,
    /// Nothing changed: a live state of the same digest belongs to another organization, has a pending confirmation or a
    /// claim, or was revoked.
    InUse,
}

/// The outcome of [`StateStore::confirm_claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmOutcome {
    /// The state is now tied to the installation.
    Tied,
    /// The state was tied to this installation before; the first claim is kept.
    AlreadyTied,
    /// Nothing changed: the state is tied to another installation.
    TiedToOther,
    /// Nothing changed: the state is unknown or revoked, or the ticket is not that of the pending confirmation.
    Unknown,
}

/// Stores issued states, by digest only.
///
/// The core decides about expiry by its own clock, so both `find` methods MUST return expired states as long as they are
/// kept, which SHOULD be a day. The [`BindingRepo`](super::BindingRepo) remembers which states were used for a binding,
/// so the two ports need no common transaction.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Stores a new state.
    ///
    /// An existing state of the same digest MUST be replaced if it is expired at `state.issued_at`, or if it belongs to
    /// the same organization, has no pending confirmation and no claim, and was not revoked (a repeated call). Otherwise
    /// the outcome MUST be [`PutOutcome::InUse`]. MUST be atomic.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError>;

    /// Returns the organization's state of this digest. MUST return `None` for another organization's state and for a
    /// revoked one.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError>;

    /// Returns the state of this digest, of any organization: the callback has no caller. MUST return `None` for a revoked
    /// state.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;

    /// Stores the pending confirmation of the state, tied or not, and replaces an earlier one. Returns `false` if the
    /// state is unknown or revoked.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError>;

    /// Stores the claim, which ties the state to its installation, and deletes the pending confirmation, in one atomic
    /// step. The first claim wins; [`ConfirmOutcome::AlreadyTied`] deletes the pending confirmation, too.
    ///
    /// If `ticket` is given and is not that of the pending confirmation, the outcome MUST be [`ConfirmOutcome::Unknown`],
    /// so that a ticket works once.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError>;

    /// Revokes the state. It is unknown from then on, but its digest MUST NOT be accepted by [`StateStore::put`] before it
    /// expires. Returns `false`, and changes nothing, if the state is unknown or revoked, or if `ticket` is given and is
    /// not that of the pending confirmation.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn revoke<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError>;
}

forward!(StateStore {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError>;
    async fn find(&self, organization: &OrganizationId, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;
    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;
    async fn save_pending(&self, digest: &StateDigest, pending: PendingConfirmation) -> Result<bool, PortError>;
    async fn confirm_claim<'a>(&self, digest: &StateDigest, ticket: Option<&'a SecretDigest>, claim: VerifiedClaim) -> Result<ConfirmOutcome, PortError>;
    async fn revoke<'a>(&self, digest: &StateDigest, ticket: Option<&'a SecretDigest>) -> Result<bool, PortError>;
} );
