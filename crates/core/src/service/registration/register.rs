use crate::error::{PortError, RefusalReason, RegisterError};
use crate::model::{Binding, Caller, NewBinding};
use crate::ports::{Event, LookupOutcome};
use crate::rules::claim::{self, Claim};
use crate::rules::register::{Decision, Outcome, classify, decide, verify};
use crate::rules::request::RegistrationRequest;
use crate::service::Dockline;

/// A registration that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registered {
    /// This call made the binding.
    Created(Binding),
    /// It was there: the same answer as the first time.
    Replayed(Binding),
}

impl Registered {
    /// The binding as it stands in the store.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        match self {
            Self::Created(binding) | Self::Replayed(binding) => binding,
        }
    }
}

impl Dockline {
    /// Binds an installation to the caller's organization (`contract.md` §1, `design.md` §2).
    ///
    /// Nothing is locked and no transaction is open while GitHub is asked. The only write is the last step, and it
    /// spends the state as well: a call that dies anywhere leaves nothing or the whole row, and the same call again
    /// starts over or replays (invariant I6; L-10, L-20). The answer is always the stored row (L-64).
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn register(
        &self,
        caller: &Caller,
        request: &RegistrationRequest,
    ) -> Result<Registered, RegisterError> {
        let outcome = self.outcome(caller, request).await?;
        let (organization, key) = (caller.organization.clone(), caller.key.clone());
        let installation = request.installation;
        match outcome {
            Outcome::Created(binding) => {
                let proof = binding.proof;
                self.record(&Event::Registered { organization, key, installation, proof });
                Ok(Registered::Created(binding))
            }
            Outcome::Replayed(binding) => {
                self.record(&Event::Replayed { organization, installation });
                Ok(Registered::Replayed(binding))
            }
            Outcome::Conflict(binding) => {
                let bound = binding.installation;
                self.record(&Event::Conflicted { organization, bound, attempted: installation });
                Err(RegisterError::Conflict(Box::new(binding)))
            }
            Outcome::Refused(reason) => {
                self.record(&Event::Refused { organization, key, installation, reason });
                Err(RegisterError::Refused(reason))
            }
        }
    }

    async fn outcome(&self, caller: &Caller, request: &RegistrationRequest) -> Result<Outcome, PortError> {
        let wanted = request.installation;
        let organization = &caller.organization;
        let spent = request.state.digest();
        let bound = self.ports.bindings.find(organization).await?;
        let state = match bound {
            // A replay needs no live state: a client that lost the first answer repeats its call word for word.
            Some(_) => None,
            None => self.ports.states.find(organization, &spent).await?,
        };
        let installer = match state.as_ref().and_then(|state| state.claim) {
            Some(claim) if claim::awaits_installer(&claim, self.policy) => {
                self.ports.bindings.installer(claim.installation).await?
            }
            _ => None,
        };
        let claim = match decide(wanted, bound, state.as_ref(), self.policy, installer, self.now()) {
            Decision::Replay(bound) => return Ok(Outcome::Replayed(bound)),
            Decision::Conflict(bound) => return Ok(Outcome::Conflict(bound)),
            Decision::Refuse(reason) => return Ok(Outcome::Refused(reason)),
            Decision::Proceed(claim) => claim,
        };
        let installation = match self.ports.github.installation(wanted).await? {
            LookupOutcome::Found(installation) => installation,
            LookupOutcome::Missing => return Ok(Outcome::Refused(RefusalReason::NoSuchInstallation)),
        };
        let last_verified_at = self.now();
        let account = match verify(&installation, self.ports.github.registration().app, &claim) {
            Ok(account) => account,
            Err(reason) => return Ok(Outcome::Refused(reason)),
        };
        let proven_by = match claim {
            Claim::Verified(claim) => Some(claim.visitor),
            Claim::State => None,
        };
        let insertion = self
            .ports
            .bindings
            .insert(NewBinding {
                organization: organization.clone(),
                installation: wanted,
                account,
                status: installation.status(),
                proof: claim.proof(),
                proven_by,
                spent,
                last_verified_at,
                registered_at: self.now(),
            })
            .await?;
        Ok(classify(wanted, insertion))
    }
}
