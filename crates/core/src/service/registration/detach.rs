use crate::error::DetachError;
use crate::model::{Binding, Caller, Status};
use crate::ports::{Event, ReleaseOutcome, UninstallOutcome};
use crate::service::Dockline;

/// Whether a detach also uninstalls the App at GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninstall {
    /// Ends the binding only. Works while GitHub is down.
    No,
    /// Uninstalls the App first, then ends the binding.
    Yes,
}

impl Dockline {
    /// Ends the binding of the caller's organization and returns it. The organization can then bind any installation.
    ///
    /// With [`Uninstall::Yes`], the binding is kept if GitHub fails; the call may be repeated, with it or without. An
    /// installation that does not exist any more counts as uninstalled.
    ///
    /// # Errors
    /// See [`DetachError`].
    pub async fn detach(&self, caller: &Caller, uninstall: Uninstall) -> Result<Binding, DetachError> {
        let bindings = &self.ports.bindings;
        let bound = bindings.find(&caller.organization).await?.ok_or(DetachError::NotBound)?;
        let uninstalled = uninstall == Uninstall::Yes;
        if uninstalled && bound.status != Status::Uninstalled {
            if let UninstallOutcome::Denied(cause) = self.ports.github.uninstall(bound.installation).await? {
                let (organization, installation) = (Some(bound.organization.clone()), bound.installation);
                self.record(&Event::Denied { organization, installation, cause });
                return Err(DetachError::Denied { binding: Box::new(bound), cause });
            }
            let record = bindings.installation(bound.installation).await?;
            self.record_uninstalled(bound.installation, record).await?;
        }
        match bindings.release(&caller.organization, bound.installation, self.now()).await? {
            ReleaseOutcome::Released(binding) => {
                let (organization, installation) = (caller.organization.clone(), binding.installation);
                // After the release, so that no mint in flight stores a token afterwards.
                let tokens = self.evict_tokens(installation);
                if self.token_revocation && !uninstalled {
                    self.revoke(tokens).await;
                }
                let actor = caller.actor.clone();
                self.record(&Event::Detached { organization, actor, installation, uninstalled });
                Ok(binding)
            }
            ReleaseOutcome::NothingBound => Err(DetachError::NotBound),
        }
    }
}
