use async_trait::async_trait;

use crate::error::PortError;
use crate::model::{
    CodeFate, IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim,
};
use crate::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};

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

    async fn confirm_claim(
        &self,
        _: &StateDigest,
        _: Option<SecretDigest>,
        _: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        Ok(ConfirmOutcome::Unknown)
    }

    async fn revoke(&self, _: &StateDigest, _: Option<SecretDigest>) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn reserve_code(&self, _: &StateDigest, _: &SecretDigest) -> Result<ReserveOutcome, PortError> {
        Ok(ReserveOutcome::Unknown)
    }

    async fn settle_code(&self, _: &StateDigest, _: &SecretDigest, _: CodeFate) -> Result<(), PortError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use time::OffsetDateTime;

    use super::*;
    use crate::model::{AccountId, ClaimMembership, InstallationId, Proof, SetupAction};

    #[test]
    fn no_state_is_stored_found_confirmed_or_revoked() {
        let digest = SecretDigest::of(b"state");
        let organization = OrganizationId::from(1_u64);
        let now = OffsetDateTime::UNIX_EPOCH;
        let claim = VerifiedClaim {
            installation: InstallationId::new(1).unwrap(),
            account: AccountId::new(1).unwrap(),
            proof: Proof::Administered,
            visitor: AccountId::new(1).unwrap(),
            membership: ClaimMembership::Administrator,
        };
        let setup_action = SetupAction::Install;
        let pending = PendingConfirmation { ticket: digest, browser: digest, claim, setup_action };
        let state = IssuedState {
            digest,
            organization: organization.clone(),
            organization_name: "One".parse().unwrap(),
            actor: "user:ann".parse().unwrap(),
            return_url: "https://app.example.com/".into(),
            issued_at: now,
            expires_at: now + IssuedState::LIFETIME,
            pending: Vec::new(),
            answered: None,
            claim: None,
            revoked: false,
        };
        assert_eq!(block_on(NoStates.put(state)).unwrap(), PutOutcome::InUse);
        assert_eq!(block_on(NoStates.find(&organization, &digest)).unwrap(), None);
        assert_eq!(block_on(NoStates.find_by_digest(&digest)).unwrap(), None);
        assert!(!block_on(NoStates.save_pending(&digest, pending)).unwrap());
        assert_eq!(block_on(NoStates.confirm_claim(&digest, None, claim)).unwrap(), ConfirmOutcome::Unknown);
        assert!(!block_on(NoStates.revoke(&digest, None)).unwrap());
        assert_eq!(block_on(NoStates.reserve_code(&digest, &digest)).unwrap(), ReserveOutcome::Unknown);
        block_on(NoStates.settle_code(&digest, &digest, CodeFate::Used)).unwrap();
    }
}
