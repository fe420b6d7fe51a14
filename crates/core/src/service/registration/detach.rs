use crate::error::PortError;
use crate::model::{Binding, Caller, Status};
use crate::ports::{Event, ReleaseOutcome};
use crate::service::Dockline;

/// Whether to remove the App at GitHub as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninstall {
    /// Forget the binding here only; GitHub is not asked (L-60).
    No,
    /// Remove the App from the account first.
    Yes,
}

/// What a detach came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detached {
    /// Released; the binding as it stood.
    Released(Box<Binding>),
    /// Nothing was bound.
    NothingBound,
}

impl Dockline {
    /// Ends the caller's binding; after it any installation can be bound (`contract.md` §3).
    ///
    /// With [`Uninstall::Yes`] GitHub comes first: if it fails, the binding stands, and the same call may be repeated
    /// or made without. An installation that is gone already counts as removed, so a repetition ends well.
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn detach(&self, caller: &Caller, uninstall: Uninstall) -> Result<Detached, PortError> {
        let bindings = &self.ports.bindings;
        let Some(bound) = bindings.find(&caller.organization).await? else {
            return Ok(Detached::NothingBound);
        };
        let uninstalled = uninstall == Uninstall::Yes;
        if uninstalled && bound.status != Status::Uninstalled {
            self.ports.github.uninstall(bound.installation).await?;
            let known = bindings.installation(bound.installation).await?;
            self.end(bound.installation, known).await?;
        }
        match bindings.release(&caller.organization, bound.installation, self.now()).await? {
            ReleaseOutcome::Released(binding) => {
                let (organization, installation) = (caller.organization.clone(), binding.installation);
                // After the release, so that no mint that is under way can put a token back (L-39, L-59).
                let tokens = self.forget_tokens(installation);
                if self.token_revocation && !uninstalled {
                    self.revoke(tokens).await;
                }
                self.record(&Event::Detached { organization, installation, uninstalled });
                Ok(Detached::Released(Box::new(binding)))
            }
            ReleaseOutcome::NothingBound => Ok(Detached::NothingBound),
        }
    }
}
