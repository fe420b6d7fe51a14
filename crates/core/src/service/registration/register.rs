use crate::error::{RefusalReason, RegisterError};
use crate::model::{Binding, Caller, NewBinding};
use crate::ports::{Event, LookupOutcome, ReadBinding};
use crate::rules::claim::{self, Claim};
use crate::rules::register::{Decision, Registered, classify, decide, verify};
use crate::rules::request::RegistrationRequest;
use crate::service::Dockline;

impl Dockline {
    /// Binds an installation to the caller's organization.
    ///
    /// Repeating the same call returns the same binding as [`Registered::Replayed`], also if the state has expired. If the
    /// installation is missing or absent, the repeated call looks again, at most once a minute.
    ///
    /// The insert is the last step and the only write, and it also uses up the state. So a call that fails has written the
    /// whole binding or nothing, and can be repeated. No lock or transaction is held during the lookup at GitHub.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn register(
        &self,
        caller: &Caller,
        request: &RegistrationRequest,
    ) -> Result<Registered, RegisterError> {
        self.register_with(caller, None, request).await
    }

    /// [`Dockline::register`] for a request that was authenticated with
    /// [`Authenticated::binding`](crate::Authenticated::binding), which is not read again. A binding of another organization
    /// than the caller's is ignored.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn register_with(
        &self,
        caller: &Caller,
        binding: Option<ReadBinding>,
        request: &RegistrationRequest,
    ) -> Result<Registered, RegisterError> {
        let outcome = self.try_register(caller, binding, request).await;
        let (organization, actor) = (caller.organization.clone(), caller.actor.clone());
        let installation = request.installation;
        match &outcome {
            Ok(Registered::Created(binding)) => {
                let proof = binding.proof;
                self.record(&Event::Registered { organization, actor, installation, proof });
            }
            Ok(Registered::Replayed(_)) => {
                self.record(&Event::Replayed { organization, actor, installation });
            }
            Err(RegisterError::Conflict(binding)) => {
                let bound = binding.installation;
                self.record(&Event::Conflicted { organization, actor, bound, attempted: installation });
            }
            Err(RegisterError::Refused(reason)) => {
                let reason = *reason;
                self.record(&Event::Refused { organization, actor, installation, reason });
            }
            Err(RegisterError::Denied(cause)) => {
                let cause = *cause;
                self.record(&Event::Denied { organization: Some(organization), installation, cause });
            }
            Err(RegisterError::Port(_)) => {}
        }
        outcome
    }

    async fn try_register(
        &self,
        caller: &Caller,
        binding: Option<ReadBinding>,
        request: &RegistrationRequest,
    ) -> Result<Registered, RegisterError> {
        let wanted = request.installation;
        let organization = &caller.organization;
        let bound = self.bound(organization, binding).await?;
        let state = match bound {
            // A replay needs no live state, since a client that missed the response repeats its request unchanged.
            Some(_) => None,
            None => self.0.ports.states.find(organization, &request.state.digest()).await?,
        };
        let record = match state.as_ref().and_then(|state| state.claim) {
            Some(claim) if claim::awaits_installer(&claim, self.0.policy) => {
                self.0.ports.bindings.installer(claim.installation).await?
            }
            _ => None,
        };
        let claim = match decide(wanted, bound, state.as_ref(), self.0.policy, record, self.now()) {
            Decision::Replay(bound) => return Ok(Registered::Replayed(self.looked_at(bound).await)),
            Decision::Conflict(bound) => return Err(RegisterError::Conflict(Box::new(bound))),
            Decision::Refuse(reason) => return Err(RegisterError::Refused(reason)),
            Decision::Proceed(claim) => claim,
        };
        let call = self.begin_github_call(organization)?;
        let installation = match self.0.ports.github.installation(wanted).await? {
            LookupOutcome::Found(installation) => installation,
            LookupOutcome::Missing => {
                return Err(RegisterError::Refused(RefusalReason::NoSuchInstallation));
            }
            // Without a proof, the caller must not learn that the installation exists.
            LookupOutcome::Denied(cause) => {
                return Err(match claim {
                    Claim::Verified(_) => RegisterError::Denied(cause),
                    Claim::State => RegisterError::Refused(RefusalReason::Denied),
                });
            }
        };
        drop(call);
        let last_verified_at = self.now();
        let our_app = self.0.ports.github.registration().app;
        let account = verify(&installation, our_app, &claim).map_err(RegisterError::Refused)?;
        let proven_by = match claim {
            Claim::Verified(claim) => Some(claim.visitor),
            Claim::State => None,
        };
        let status = installation.status();
        let outcome = self
            .0
            .ports
            .bindings
            .insert(NewBinding {
                organization: organization.clone(),
                installation: wanted,
                account,
                status,
                proof: claim.proof(),
                proven_by,
                actor: caller.actor.clone(),
                spent: request.state.digest(),
                last_verified_at,
                next_look_at: last_verified_at.saturating_add(self.0.look_interval),
                registered_at: self.now(),
                facts: self.facts_of_binding(installation.facts),
            })
            .await?;
        classify(wanted, outcome)
    }

    /// Looks at a bound installation that is missing or absent, if a look is due, and returns the binding as stored afterwards.
    /// Failures do not matter, since a replay works while GitHub is down.
    async fn looked_at(&self, bound: Binding) -> Binding {
        if !self.look_again(&bound).await {
            return bound;
        }
        let stored = self.0.ports.bindings.find(&bound.organization).await.ok().flatten();
        stored.filter(|stored| stored.installation == bound.installation).unwrap_or(bound)
    }
}
