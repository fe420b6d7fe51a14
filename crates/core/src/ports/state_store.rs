use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::forward;
use crate::error::PortError;
use crate::model::{
    CodeFate, IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim,
};

/// The outcome of [`StateStore::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The state was stored.
    Stored,
    /// Nothing changed: a live state of the same digest belongs to another organization, has a confirmation, pending
    /// or answered, or a claim, or was revoked.
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
    /// Nothing changed: the state is unknown or revoked, or the ticket is not that of a pending confirmation.
    Unknown,
}

/// The outcome of [`StateStore::reserve_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The code is new and stored as [`CodeFate::Sent`]. It may be sent to GitHub.
    Reserved,
    /// Nothing changed: the code came with this state before.
    Known(CodeFate),
    /// The state had its maximum number of codes and is revoked now. The code is not stored.
    Exhausted,
    /// Nothing changed: the state is unknown or revoked.
    Unknown,
}

/// Stores issued states, by digest only.
///
/// The core decides about expiry by its own clock: both `find` methods MUST return expired states, and every other method MUST
/// accept them, as long as they are kept. Every state, used or not, MUST be kept for a day after `expires_at`, by the latest
/// time that the store was passed, and MAY be deleted afterwards. The [`BindingRepo`](super::BindingRepo) remembers which states were used for a binding,
/// so the two ports need no common transaction.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Stores a new state, with every field that it has: pending and answered confirmations, claim and revocation, too.
    ///
    /// An existing state of the same digest MUST be replaced if it is expired at `state.issued_at`, or if it belongs to
    /// the same organization, has no confirmation, pending or answered, and no claim, and was not revoked (a repeated
    /// call, which MUST keep the codes of the state). Otherwise the outcome MUST be [`PutOutcome::InUse`]. MUST be atomic.
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

    /// Returns the state of this digest, of any organization: the callback has no caller. MUST return revoked states, too,
    /// since their return URL and their answered confirmation are still needed.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;

    /// Adds a pending confirmation to the state, tied or not, after those that it has. If there are
    /// [`IssuedState::MOST_PENDING`], MUST remove the oldest. MUST be atomic. Tickets are unique. Returns `false` if the state is unknown or revoked.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError>;

    /// Stores the claim, which ties the state to its installation, in one atomic step. The first claim wins with all of its
    /// fields, also against a later one to the same installation.
    ///
    /// If `ticket` is given, it MUST be that of a pending confirmation, which the same step makes the answered one, also
    /// if the outcome is [`ConfirmOutcome::AlreadyTied`]. Otherwise the outcome MUST be [`ConfirmOutcome::Unknown`], so
    /// that a ticket works once. Other pending confirmations stay.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError>;

    /// Revokes the state. Its digest MUST NOT be accepted by [`StateStore::put`] before it expires. The pending
    /// confirmation of `ticket`, if it is given, becomes the answered one in the same step. Returns `false`, and changes
    /// nothing, if the state is unknown or revoked, or if `ticket` is given and is not that of a pending confirmation.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError>;

    /// Stores a code that came with the state as [`CodeFate::Sent`], before it is sent to GitHub. MUST be atomic, so that
    /// a code is sent once, and many at once stay within the limits.
    ///
    /// A code that is stored MUST be [`ReserveOutcome::Known`]. Otherwise, if [`IssuedState::MOST_REFUSED_CODES`] are
    /// stored that are not [`CodeFate::Used`], or [`IssuedState::MOST_CODES`] in all, the state MUST be revoked.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError>;

    /// Replaces the fate of a stored code, also if the state was revoked meanwhile. Does nothing for other codes.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError>;
}

forward!(StateStore {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError>;
    async fn find(&self, organization: &OrganizationId, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;
    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError>;
    async fn save_pending(&self, digest: &StateDigest, pending: PendingConfirmation) -> Result<bool, PortError>;
    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<SecretDigest>, claim: VerifiedClaim) -> Result<ConfirmOutcome, PortError>;
    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError>;
    async fn reserve_code(&self, digest: &StateDigest, code: &SecretDigest) -> Result<ReserveOutcome, PortError>;
    async fn settle_code(&self, digest: &StateDigest, code: &SecretDigest, fate: CodeFate) -> Result<(), PortError>;
} );
