use time::OffsetDateTime;

use super::Dockline;
use super::refusals::Refusal;
use crate::error::{AuthenticateError, ChargeError, PortError, PortErrorKind};
use crate::model::{
    ApiKey, Budget, BudgetClass, BudgetKey, Caller, KeyEnvironment, KeyId, KeyRecord, Scope, Tier,
};
use crate::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, KeyStore, RateLimitDecision, RateLimitRequest, ReadBinding,
};
use crate::rules::access;

/// A request that is authenticated and allowed: its key is valid and has the scope, and its budget was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The caller.
    pub caller: Caller,
    /// The key that the caller presented.
    pub key: AuthenticatedKey,
    /// The budget's level after this request; `None` if requests are not limited.
    pub budget: Option<Budget>,
    /// The binding of the caller's organization, if it was read together with the key. [`Dockline::register_with`] takes
    /// it, which saves a read.
    pub binding: Option<ReadBinding>,
}

/// The public facts of a valid API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticatedKey {
    /// The key's public part.
    pub id: KeyId,
    /// The key's environment.
    pub environment: KeyEnvironment,
    /// The permissions of the key.
    pub scopes: Vec<Scope>,
    /// The key's tier.
    pub tier: Tier,
}

/// The source of keys.
enum Keys<'a> {
    /// One call for key, budget and binding.
    AtOnce(&'a dyn Admission),
    /// One call for the key and one for the budget.
    InSteps(&'a dyn KeyStore),
}

impl Dockline {
    /// Authenticates a request by its API key: checks the key (401), then the scope (403), then charges the budget (429).
    /// Call it before anything else of the request is read. `presented` is the Bearer token; `needed` is the scope, or
    /// `None` if any valid key is allowed. A 401 and a 403 cost no budget.
    ///
    /// With [`Builder::with_admission`](super::Builder::with_admission) this is one call to the store, otherwise one to the
    /// key store and one to the rate limiter. A refused request is remembered for a second at most: meanwhile the key's
    /// requests are refused without a look at the budget, unless its tier has changed, and without a look at the key if the
    /// store is overloaded.
    ///
    /// # Errors
    /// See [`AuthenticateError`]. Without [`Builder::with_api_keys`](super::Builder::with_api_keys) every key is
    /// unauthenticated. If a store or the rate limiter fails, the request is not allowed.
    pub async fn authenticate(
        &self,
        presented: &str,
        needed: Option<&Scope>,
        class: BudgetClass,
    ) -> Result<Authenticated, AuthenticateError> {
        let (Some(keys), Ok(presented)) = (self.keys(), ApiKey::parse(presented)) else {
            return Err(AuthenticateError::Unauthenticated);
        };
        let now = self.now();
        let secret_hash = presented.secret_hash();
        let remembered = self.0.refusals.find(presented.id(), &secret_hash, class, now);
        let mut request = AdmissionRequest {
            key: presented.id().clone(),
            secret_hash,
            environment: presented.environment(),
            needed: needed.cloned(),
            class,
            charge: remembered.is_none(),
            now,
        };
        let (mut record, mut answer) = match (self.admit(&keys, &request).await, &remembered) {
            (Ok(admitted), _) => admitted,
            (Err(AuthenticateError::Port(error)), Some(refusal))
                if error.kind() == PortErrorKind::Overloaded =>
            {
                return Err(refusal.clone().of(request.key));
            }
            (Err(error), _) => return Err(error),
        };
        self.0.usage.used(&record.id, now);
        if !access::has_scope(&record, needed) {
            let budget = answer.decision.map(level).or(remembered.map(|refusal| refusal.budget));
            return Err(AuthenticateError::ForbiddenScope {
                key: record.id,
                organization: record.organization,
                budget,
            });
        }
        if let Some(refusal) = remembered {
            if refusal.tier == record.tier {
                return Err(refusal.of(record.id));
            }
            self.0.refusals.forget(&record.id);
            request.charge = true;
            (record, answer) = self.admit(&keys, &request).await?;
        }
        match answer.decision {
            Some(RateLimitDecision::Limited { budget, retry_after }) => {
                let KeyRecord { organization, tier, .. } = record;
                let refusal = Refusal { organization, tier, budget, retry_after };
                self.0.refusals.remember(&record.id, request.secret_hash, now, refusal.clone());
                Err(refusal.of(record.id))
            }
            decision @ (Some(RateLimitDecision::Allowed(_)) | None) => {
                Ok(authenticated(record, decision.map(level), answer.binding))
            }
        }
    }

    /// Charges one request to the caller's own budget, for hosts that authenticate callers themselves. Returns the
    /// budget's level, or `None` if the caller has no budget or there is no rate limiter.
    ///
    /// Do not call it for a caller that [`Dockline::authenticate`] returned: that one is charged already.
    ///
    /// # Errors
    /// See [`ChargeError`].
    pub async fn charge(&self, caller: &Caller, class: BudgetClass) -> Result<Option<Budget>, ChargeError> {
        let Some((key, tier)) = &caller.budget else { return Ok(None) };
        match self.check_budget(key, tier, class, 1, self.now()).await? {
            None => Ok(None),
            Some(RateLimitDecision::Allowed(budget)) => Ok(Some(budget)),
            Some(RateLimitDecision::Limited { budget, retry_after }) => {
                Err(ChargeError::RateLimited { budget, retry_after })
            }
        }
    }

    /// Returns whether API keys are configured.
    #[must_use]
    pub fn has_api_keys(&self) -> bool {
        self.0.keys.is_some() || self.0.admission.is_some()
    }

    fn keys(&self) -> Option<Keys<'_>> {
        match (&self.0.admission, &self.0.keys) {
            (Some(admission), _) => Some(Keys::AtOnce(&**admission)),
            (None, Some(keys)) => Some(Keys::InSteps(&**keys)),
            (None, None) => None,
        }
    }

    /// Returns the valid key, with the answer about it.
    async fn admit(
        &self,
        keys: &Keys<'_>,
        request: &AdmissionRequest,
    ) -> Result<(KeyRecord, AdmissionAnswer), AuthenticateError> {
        let mut answer = match keys {
            Keys::AtOnce(admission) => admission.admit(request.clone()).await?,
            Keys::InSteps(keys) => self.admit_in_steps(*keys, request).await?,
        };
        if !access::is_about(&answer, request) {
            return Err(AuthenticateError::Mismatched);
        }
        let record = access::authenticate(request, answer.record.take());
        Ok((record.ok_or(AuthenticateError::Unauthenticated)?, answer))
    }

    async fn admit_in_steps(
        &self,
        keys: &dyn KeyStore,
        request: &AdmissionRequest,
    ) -> Result<AdmissionAnswer, PortError> {
        let record = access::authenticate(request, keys.find(&request.key).await?);
        let decision = match &record {
            Some(record) if request.charge => {
                let permits = access::has_scope(record, request.needed.as_ref()).into();
                let key = BudgetKey::from(&record.id);
                self.check_budget(&key, &record.tier, request.class, permits, request.now).await?
            }
            Some(_) | None => None,
        };
        let (key, secret_hash) = (request.key.clone(), request.secret_hash);
        Ok(AdmissionAnswer { key, secret_hash, record, decision, binding: None })
    }

    async fn check_budget(
        &self,
        key: &BudgetKey,
        tier: &Tier,
        class: BudgetClass,
        permits: u32,
        now: OffsetDateTime,
    ) -> Result<Option<RateLimitDecision>, PortError> {
        let Some(limiter) = &self.0.limiter else { return Ok(None) };
        let (key, tier) = (key.clone(), tier.clone());
        limiter.check(RateLimitRequest { key, class, tier, permits, now }).await.map(Some)
    }
}

impl Refusal {
    fn of(self, key: KeyId) -> AuthenticateError {
        let Self { organization, budget, retry_after, .. } = self;
        AuthenticateError::RateLimited { key, organization, budget, retry_after }
    }
}

const fn level(decision: RateLimitDecision) -> Budget {
    match decision {
        RateLimitDecision::Allowed(budget) | RateLimitDecision::Limited { budget, .. } => budget,
    }
}

fn authenticated(record: KeyRecord, budget: Option<Budget>, binding: Option<ReadBinding>) -> Authenticated {
    let caller = Caller {
        organization: record.organization,
        organization_name: record.organization_name,
        actor: (&record.id).into(),
        return_hosts: record.return_hosts,
        budget: Some((BudgetKey::from(&record.id), record.tier.clone())),
    };
    let KeyRecord { id, environment, scopes, tier, .. } = record;
    Authenticated { caller, key: AuthenticatedKey { id, environment, scopes, tier }, budget, binding }
}
