use async_trait::async_trait;

use crate::error::PortError;
use crate::model::{
    IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim,
};
use crate::ports::{ConfirmOutcome, PutOutcome, StateStore};

/// A store for jobs without visitors. It issues no states, and every state is unknown.
#[derive(Debug)]
pub(super) struct NoStates;

#[async_trait]
impl StateStore for NoStates {
    async fn put(&self, _: IssuedState) -> Result<PutOutcome, PortError> {
        Ok(PutOutcome::InUse)
    }

    async fn find(&self, _: &OrganizationId, _: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        Ok(None)
    }

    async fn find_by_digest(&self, _: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        Ok(None)
    }

    async fn save_pending(&self, _: &StateDigest, _: PendingConfirmation) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn confirm_claim<'a>(
        &self,
        _: &StateDigest,
        _: Option<&'a SecretDigest>,
        _: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        Ok(ConfirmOutcome::Unknown)
    }

    async fn revoke<'a>(&self, _: &StateDigest, _: Option<&'a SecretDigest>) -> Result<bool, PortError> {
        Ok(false)
    }
}
