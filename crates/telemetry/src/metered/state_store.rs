use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{
    IssuedState, OrganizationId, PendingConfirmation, PortError, SecretDigest, StateDigest, VerifiedClaim,
};

use super::{Metered, measured};

const PORT: &str = "state_store";

#[async_trait]
impl<P: StateStore> StateStore for Metered<P> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        measured(PORT, "put", self.0.put(state)).await
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        measured(PORT, "find", self.0.find(organization, digest)).await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        measured(PORT, "find_by_digest", self.0.find_by_digest(digest)).await
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        measured(PORT, "save_pending", self.0.save_pending(digest, pending)).await
    }

    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        measured(PORT, "confirm_claim", self.0.confirm_claim(digest, ticket, claim)).await
    }

    async fn revoke<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        measured(PORT, "revoke", self.0.revoke(digest, ticket)).await
    }
}
