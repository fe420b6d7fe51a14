//! Wrong state stores.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{
    CodeFate, IssuedState, OrganizationId, PendingConfirmation, PortError, SecretDigest, StateDigest,
    VerifiedClaim,
};
use dockline_memory::MemoryStateStore;

mod nodes;
mod stores;

/// The memory store, except for the methods that a mutant overrides.
#[async_trait]
pub(crate) trait Mutant: Debug + Send + Sync + 'static {
    fn memory(&self) -> &MemoryStateStore;

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.memory().put(state).await.unwrap()
    }

    /// The organization that `find` looks for.
    fn organization(&self, organization: &OrganizationId) -> OrganizationId {
        organization.clone()
    }

    /// The row as every `find` method returns it.
    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        Some(state)
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        self.memory().confirm_claim(digest, ticket, claim).await.unwrap()
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> bool {
        self.memory().revoke(digest, ticket).await.unwrap()
    }

    async fn save_pending(&self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        self.memory().save_pending(digest, pending).await.unwrap()
    }

    async fn reserve_code(&self, digest: &StateDigest, code: &SecretDigest) -> ReserveOutcome {
        self.memory().reserve_code(digest, code).await.unwrap()
    }
}

/// A mutant as a store.
#[derive(Debug)]
pub(crate) struct Store<M>(pub(crate) M);

#[async_trait]
impl<M: Mutant> StateStore for Store<M> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        Ok(self.0.put(state).await)
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        let state = self.0.memory().find(&self.0.organization(organization), digest).await?;
        Ok(state.and_then(|state| self.0.found(state)))
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        let state = self.0.memory().find_by_digest(digest).await?;
        Ok(state.and_then(|state| self.0.found(state)))
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        Ok(self.0.save_pending(digest, pending).await)
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        Ok(self.0.confirm_claim(digest, ticket, claim).await)
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        Ok(self.0.revoke(digest, ticket).await)
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        Ok(self.0.reserve_code(digest, code).await)
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        self.0.memory().settle_code(digest, code, fate).await
    }
}
