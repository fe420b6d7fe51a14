//! Wrong state stores.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{
    IssuedState, OrganizationId, PendingConfirmation, PortError, SecretDigest, StateDigest, VerifiedClaim,
};
use dockline_memory::MemoryStateStore;

mod answers;
mod races;

/// The memory store, but for what is overridden.
#[async_trait]
pub(crate) trait Wrong: Debug + Send + Sync + 'static {
    fn memory(&self) -> &MemoryStateStore;

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.memory().put(state).await.unwrap()
    }

    /// What every find sees of a row.
    fn seen(&self, state: IssuedState) -> Option<IssuedState> {
        Some(state)
    }

    /// Whether `organization` may see the row.
    fn shows(&self, organization: &OrganizationId, state: &IssuedState) -> bool {
        state.organization == *organization
    }

    async fn save_pending(&self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        self.memory().save_pending(digest, pending).await.unwrap()
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<&SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        self.memory().confirm_claim(digest, ticket, claim).await.unwrap()
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<&SecretDigest>) -> bool {
        self.memory().revoke(digest, ticket).await.unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Store<W>(pub(crate) W);

#[async_trait]
impl<W: Wrong> StateStore for Store<W> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        Ok(self.0.put(state).await)
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        let state = self.find_by_digest(digest).await?;
        Ok(state.filter(|state| self.0.shows(organization, state)))
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        Ok(self.0.memory().find_by_digest(digest).await?.and_then(|state| self.0.seen(state)))
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        Ok(self.0.save_pending(digest, pending).await)
    }

    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        Ok(self.0.confirm_claim(digest, ticket, claim).await)
    }

    async fn revoke<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        Ok(self.0.revoke(digest, ticket).await)
    }
}

/// Declares a mutant: its fields beside the memory store, and what it overrides.
macro_rules! mutant {
    ($(#[$doc:meta])* $name:ident($($field:ident: $type:ty),*) $($body:tt)+) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name {
            memory: dockline_memory::MemoryStateStore,
            $($field: $type,)*
        }

        #[async_trait::async_trait]
        impl super::Wrong for $name {
            fn memory(&self) -> &dockline_memory::MemoryStateStore {
                &self.memory
            }

            $($body)+
        }
    };
}
use mutant;
