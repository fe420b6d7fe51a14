use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::forward;
use crate::error::PortError;
use crate::model::{
    IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim,
};

/// Outcome of [`StateStore::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// Stored.
    Stored,
    /// A live row of that digest belongs to another organization, or has been visited, tied or discarded. Nothing
    /// changed.
    InUse,
}

/// Outcome of [`StateStore::confirm_claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmOutcome {
    /// Tied by this call.
    Tied,
    /// It was tied to this very installation before; the first tie stands.
    AlreadyTied,
    /// It is tied to another installation. Nothing changed.
    TiedToOther,
    /// There is no such state, or it was discarded. Nothing changed.
    Unknown,
}

/// Where issued states wait to be used. Holds digests only.
///
/// Expiry is judged by the core, by its clock: `find*` MUST return expired rows for as long as they are kept, which
/// SHOULD be a day. A state that a binding spent is remembered by the [`BindingRepo`](super::BindingRepo), not here:
/// the two need no common transaction.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Stores a fresh state.
    ///
    /// Where a row of the same digest exists, it MUST be replaced if it is expired at `state.issued_at`, or if it is
    /// the same organization's and has no visit, no tie and was not discarded (a repeated call); otherwise
    /// [`PutOutcome::InUse`]. Atomic.
    ///
    /// # Errors
    /// Infrastructure only; nothing was stored, or the same call may be repeated.
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError>;

    /// The organization's own state of that digest. MUST be `None` for another organization's and for a discarded one.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError>;

    /// The state of that digest, whoever it was issued to: for the callback, which has no caller. MUST be `None` for a
    /// discarded one.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;

    /// Keeps a visitor's open question beside the state, tied or not, in place of an earlier one. `false` where there
    /// is no such state, or it was discarded.
    ///
    /// # Errors
    /// Infrastructure only.
    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError>;

    /// Ties the state to one installation and forgets its open question, in one atomic step; [`ConfirmOutcome::AlreadyTied`]
    /// forgets it, too. The first tie wins.
    /// Where `ticket` is given, the tie MUST be made only if the open question's ticket is that one, so that a ticket
    /// is good once; otherwise [`ConfirmOutcome::Unknown`].
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError>;

    /// Uses the state up: from now on it is as good as unknown, but its digest stays taken until it expires. `false`
    /// where there was none, or, where `ticket` is given, the open question's ticket is another.
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
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
