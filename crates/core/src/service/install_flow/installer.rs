//! Finds the installer of an installation, for [`Proof::Installed`](crate::Proof::Installed). The webhook that names the installer
//! may arrive before or after the visitor, or never, so GitHub's log of deliveries is read, too.

use crate::error::{CallbackRefusal, PortError};
use crate::model::{OrganizationId, VerifiedClaim, VisitorFacts};
use crate::rules::claim;
use crate::service::Dockline;

impl Dockline {
    /// Returns the claim that the visitor may be asked to confirm, or the refusal if its proof does not meet the policy. If
    /// the installer is unknown and the visitor has just installed the App, the visitor is asked, and the installer is
    /// looked up at the confirmation.
    pub(in crate::service) async fn confirmable_claim(
        &self,
        claim: VerifiedClaim,
        facts: &VisitorFacts,
        just_installed: bool,
    ) -> Result<Result<VerifiedClaim, CallbackRefusal>, PortError> {
        if claim::suffices(claim.proof, self.0.policy) {
            return Ok(Ok(claim));
        }
        let record = self.0.ports.bindings.installer(claim.installation).await?;
        if record.is_none() && just_installed && claim::awaits_installer(&claim, self.0.policy) {
            return Ok(Ok(claim));
        }
        let proven = claim::with_installer(claim, record, self.0.policy);
        Ok(if claim::suffices(proven.proof, self.0.policy) {
            Ok(proven)
        } else {
            Err(claim::weak_proof(&claim, facts, record.as_ref(), self.0.policy))
        })
    }

    /// Returns the claim to store at the confirmation, or the refusal if another account installed the App. If the webhook
    /// has not named the installer, GitHub's log of deliveries is read once. If the log does not name it yet, the claim is
    /// stored with its weak proof, and the registration checks the installer again.
    pub(in crate::service) async fn claim_to_store(
        &self,
        organization: &OrganizationId,
        claim: VerifiedClaim,
    ) -> Result<Result<VerifiedClaim, CallbackRefusal>, PortError> {
        if !claim::awaits_installer(&claim, self.0.policy) {
            return Ok(Ok(claim));
        }
        let bindings = &self.0.ports.bindings;
        let record = match bindings.installer(claim.installation).await? {
            Some(record) => Some(record),
            None => {
                let _call = self.begin_github_call(organization)?;
                let record = self.0.ports.github.installer(claim.installation).await?;
                if let Some(record) = record {
                    bindings.record_installer(claim.installation, record, self.now()).await?;
                }
                record
            }
        };
        let proven = claim::with_installer(claim, record, self.0.policy);
        let meets_policy = record.is_none() || claim::suffices(proven.proof, self.0.policy);
        Ok(if meets_policy { Ok(proven) } else { Err(claim::not_the_installer(&claim)) })
    }
}
