//! The proof [`Proof::Installed`](crate::Proof::Installed): whoever installed it may connect it. Webhook and callback come
//! in either order, and the webhook may be lost; none of them says or changes whose state it is (L-09, L-28, L-29).

use crate::error::PortError;
use crate::model::VerifiedClaim;
use crate::rules::claim;
use crate::service::Dockline;

impl Dockline {
    /// What a visitor may be asked to confirm; `None` where they neither showed enough nor installed it. Where nobody
    /// knows who installed it and they say that it was just now, they are asked, and it is settled afterwards.
    pub(in crate::service) async fn tie_of_visitor(
        &self,
        tie: VerifiedClaim,
        just_installed: bool,
    ) -> Result<Option<VerifiedClaim>, PortError> {
        if !claim::awaits_installer(&tie, self.policy) {
            return Ok(Some(tie));
        }
        let installer = self.ports.bindings.installer(tie.installation).await?;
        let tie = claim::with_installer(tie, installer, self.policy);
        let may_come = just_installed && installer.is_none();
        Ok(Some(tie).filter(|tie| may_come || claim::suffices(tie.proof, self.policy)))
    }

    /// The tie as it is about to be made. Where it is still open who installed the installation, GitHub is asked once,
    /// by its record of deliveries: ours may have been lost. Where GitHub does not know yet, the tie is made as it is,
    /// and the registration looks again; it is a claim to nothing until then.
    pub(in crate::service) async fn settle(
        &self,
        tie: VerifiedClaim,
    ) -> Result<Option<VerifiedClaim>, PortError> {
        if !claim::awaits_installer(&tie, self.policy) {
            return Ok(Some(tie));
        }
        let bindings = &self.ports.bindings;
        let installer = match bindings.installer(tie.installation).await? {
            Some(installer) => Some(installer),
            None => {
                let installer = self.ports.github.installer(tie.installation).await?;
                if let Some(installer) = installer {
                    bindings.record_installer(tie.installation, installer, self.now()).await?;
                }
                installer
            }
        };
        let tie = claim::with_installer(tie, installer, self.policy);
        Ok(Some(tie).filter(|tie| installer.is_none() || claim::suffices(tie.proof, self.policy)))
    }
}
