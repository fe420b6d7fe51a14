//! The proof [`Proof::Installed`](crate::Proof::Installed): whoever installed it may connect it. Webhook and callback come
//! in either order, and the webhook may be lost; none of them says or changes whose state it is (L-09, L-28, L-29).

use crate::error::PortError;
use crate::model::VerifiedClaim;
use crate::rules::claim;
use crate::service::Dockline;

impl Dockline {
    /// What a visitor may be asked to confirm; `None` where they neither showed enough nor installed it. Where nobody
    /// knows who installed it and they say that it was just now, they are asked, and it is settled afterwards.
    pub(in crate::service) async fn claim_of_visitor(
        &self,
        claim: VerifiedClaim,
        just_installed: bool,
    ) -> Result<Option<VerifiedClaim>, PortError> {
        if !claim::awaits_installer(&claim, self.policy) {
            return Ok(Some(claim));
        }
        let installer = self.ports.bindings.installer(claim.installation).await?;
        let claim = claim::with_installer(claim, installer, self.policy);
        let may_come = just_installed && installer.is_none();
        Ok(Some(claim).filter(|claim| may_come || claim::suffices(claim.proof, self.policy)))
    }

    /// The tie as it is about to be made. Where it is still open who installed the installation, GitHub is asked once,
    /// by its record of deliveries: ours may have been lost. Where GitHub does not know yet, the tie is made as it is,
    /// and the registration looks again; it is a claim to nothing until then.
    pub(in crate::service) async fn settle(
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
