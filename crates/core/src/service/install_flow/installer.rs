//! Who installed an installation, for [`Proof::Installed`](crate::Proof::Installed). The webhook that names the installer
//! may arrive before or after the visitor, or never, so GitHub's log of deliveries is read, too.

use crate::error::PortError;
use crate::model::VerifiedClaim;
use crate::rules::claim;
use crate::service::Dockline;

impl Dockline {
    /// Returns the claim that the visitor may be asked to confirm; `None` if its proof does not meet the policy. If the
    /// installer is unknown and the visitor has just installed the App, the visitor is asked, and the installer is looked
    /// up at the confirmation.
    pub(in crate::service) async fn confirmable_claim(
        &self,
        claim: VerifiedClaim,
        just_installed: bool,
    ) -> Result<Option<VerifiedClaim>, PortError> {
        if !claim::awaits_installer(&claim, self.policy) {
            return Ok(Some(claim));
        }
        let installer = self.ports.bindings.installer(claim.installation).await?;
        let claim = claim::with_installer(claim, installer, self.policy);
        let may_be_proven_later = just_installed && installer.is_none();
        Ok(Some(claim).filter(|claim| may_be_proven_later || claim::suffices(claim.proof, self.policy)))
    }

    /// Returns the claim to store at the confirmation; `None` if another account installed the App. If the webhook has
    /// not named the installer, GitHub's log of deliveries is read once. If the log does not name it yet, the claim is
    /// stored with its weak proof, and the registration checks the installer again.
    pub(in crate::service) async fn claim_to_store(
        &self,
        claim: VerifiedClaim,
    ) -> Result<Option<VerifiedClaim>, PortError> {
        if !claim::awaits_installer(&claim, self.policy) {
            return Ok(Some(claim));
        }
        let bindings = &self.ports.bindings;
        let installer = match bindings.installer(claim.installation).await? {
            Some(installer) => Some(installer),
            None => {
                let installer = self.ports.github.installer(claim.installation).await?;
                if let Some(installer) = installer {
                    bindings.record_installer(claim.installation, installer, self.now()).await?;
                }
                installer
            }
        };
        let claim = claim::with_installer(claim, installer, self.policy);
        Ok(Some(claim).filter(|claim| installer.is_none() || claim::suffices(claim.proof, self.policy)))
    }
}
