use async_trait::async_trait;
use dockline::ports::{Put, StateStore, Vouched};
use dockline::{IssuedState, OrganizationId, PortError, SecretDigest, StateDigest, Tie, Visit};

use super::{Metered, measured};

const PORT: &str = "state_store";

#[async_trait]
impl StateStore for Metered<dyn StateStore> {
    async fn put(&self, state: IssuedState) -> Result<Put, PortError> {
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

    async fn hold(&self, digest: &StateDigest, visit: Visit) -> Result<bool, PortError> {
        measured(PORT, "hold", self.0.hold(digest, visit)).await
    }

    async fn vouch<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        tie: Tie,
    ) -> Result<Vouched, PortError> {
        measured(PORT, "vouch", self.0.vouch(digest, ticket, tie)).await
    }

    async fn discard<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        measured(PORT, "discard", self.0.discard(digest, ticket)).await
    }
}
