use crate::error::DetachError;
use crate::model::{Binding, Caller, Status};
use crate::ports::{Event, ReleaseOutcome};
use crate::service::Dockline;

/// Whether a detach also removes the App at GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninstall {
    /// Ends the binding here only; GitHub is not asked.
    No,
    /// Removes the App from the account first.
    Yes,
}

impl Dockline {
    /// Ends the caller's binding, and returns it as it stood. Any installation can be bound afterwards.
    ///
    /// With [`Uninstall::Yes`] GitHub comes first: if it fails, the binding stands, and the same call may be repeated or
    /// made without. An installation that does not exist any more counts as removed.
    ///
    /// # Errors
    /// See [`DetachError`].
    pub async fn detach(&self, caller: &Caller, uninstall: Uninstall) -> Result<Binding, DetachError> {
        let bindings = &self.ports.bindings;
        let bound = bindings.find(&caller.organization).await?.ok_or(DetachError::NotBound)?;
        let uninstalled = uninstall == Uninstall::Yes;
        if uninstalled && bound.status != Status::Uninstalled {
            self.ports.github.uninstall(bound.installation).await?;
            let record = bindings.installation(bound.installation).await?;
            self.end(bound.installation, record).await?;
        }
        match bindings.release(&caller.organization, bound.installation, self.now()).await? {
            ReleaseOutcome::Released(binding) => {
                let (organization, installation) = (caller.organization.clone(), binding.installation);
                // After the release, so that no mint in flight puts a token back.
                let tokens = self.forget_tokens(installation);
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
