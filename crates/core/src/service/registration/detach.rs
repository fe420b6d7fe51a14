use crate::error::{DetachError, PortError, PortErrorKind, PortName};
use crate::model::{Binding, Caller, Presence};
use crate::ports::{Event, Observation, ReadBinding, ReleaseOutcome, UninstallOutcome};
use crate::service::{Dockline, RefreshOutcome};

/// Whether a detach also uninstalls the App at GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninstall {
    /// Ends the binding only. Works while GitHub is down.
    No,
    /// Uninstalls the App first, then ends the binding.
    Yes,
}

#[derive(Debug, thiserror::Error)]
#[error("GitHub answers an uninstall by 404, but shows the installation to a lookup")]
struct StillInstalled;

impl Dockline {
    /// Ends the binding of the caller's organization and returns it. The organization can then bind any installation.
    ///
    /// With [`Uninstall::Yes`], the binding is kept if GitHub fails; the call may be repeated, with it or without. An
    /// installation for which GitHub answers 404 counts as uninstalled only if a lookup is a 404, too.
    ///
    /// # Errors
    /// See [`DetachError`].
    pub async fn detach(&self, caller: &Caller, uninstall: Uninstall) -> Result<Binding, DetachError> {
        self.detach_with(caller, None, uninstall).await
    }

    /// [`Dockline::detach`] for a request that was authenticated with
    /// [`Authenticated::binding`](crate::Authenticated::binding), which is not read again. A binding of another organization
    /// than the caller's is ignored.
    ///
    /// # Errors
    /// See [`DetachError`].
    pub async fn detach_with(
        &self,
        caller: &Caller,
        binding: Option<ReadBinding>,
        uninstall: Uninstall,
    ) -> Result<Binding, DetachError> {
        let bindings = &self.0.ports.bindings;
        let bound = self.bound(&caller.organization, binding).await?.ok_or(DetachError::NotBound)?;
        let uninstalled = uninstall == Uninstall::Yes;
        if uninstalled {
            let _call = self.begin_github_call(&caller.organization)?;
            self.uninstall(&bound).await?;
        }
        match bindings.release(&caller.organization, bound.installation, &caller.actor, self.now()).await? {
            ReleaseOutcome::Released(binding) => {
                let (organization, installation) = (caller.organization.clone(), binding.installation);
                // After the release, so that no mint in flight stores a token afterwards.
                let tokens = self.evict_tokens(installation);
                if self.0.token_revocation && !uninstalled {
                    self.revoke(tokens).await;
                }
                let actor = caller.actor.clone();
                self.record(&Event::Detached { organization, actor, installation, uninstalled });
                Ok(binding)
            }
            ReleaseOutcome::NothingBound => Err(DetachError::NotBound),
        }
    }

    /// Uninstalls the App, unless its end is stored or GitHub has accepted to end it.
    async fn uninstall(&self, bound: &Binding) -> Result<(), DetachError> {
        let (bindings, installation) = (&self.0.ports.bindings, bound.installation);
        if bound.life.presence.is_final() || matches!(bound.life.presence, Presence::Ending { .. }) {
            return Ok(());
        }
        match self.0.ports.github.uninstall(installation).await {
            Ok(UninstallOutcome::Removed) => {
                let at = self.now();
                self.record_uninstalled(installation, Observation::UninstalledByUs { at }).await?;
            }
            Ok(UninstallOutcome::Accepted) => {
                let observed = bindings.observe(installation, Observation::Ending { at: self.now() }).await?;
                self.record_change(observed.change.as_ref());
                self.evict_tokens(installation);
            }
            Ok(UninstallOutcome::Denied(cause)) => {
                let organization = Some(bound.organization.clone());
                self.record(&Event::Denied { organization, installation, cause });
                return Err(DetachError::Denied { binding: Box::new(bound.clone()), cause });
            }
            Ok(UninstallOutcome::Missing) => match self.refresh(installation).await? {
                RefreshOutcome::Denied(cause) => {
                    return Err(DetachError::Denied { binding: Box::new(bound.clone()), cause });
                }
                RefreshOutcome::Present(_) | RefreshOutcome::AccountChanged => {
                    let kind = PortErrorKind::Unavailable;
                    return Err(PortError::new(PortName::GithubGateway, kind, StillInstalled).into());
                }
                RefreshOutcome::Missing
                | RefreshOutcome::Held
                | RefreshOutcome::Ending
                | RefreshOutcome::Gone
                | RefreshOutcome::Unknown => {}
            },
            Err(error) => {
                return Err(match error.kind() {
                    PortErrorKind::RateLimited { .. }
                    | PortErrorKind::Overloaded
                    | PortErrorKind::Rejected => DetachError::Port(error),
                    PortErrorKind::Unavailable | PortErrorKind::Corrupt | PortErrorKind::Unexpected => {
                        DetachError::UninstallUnknown(error)
                    }
                });
            }
        }
        Ok(())
    }
}
