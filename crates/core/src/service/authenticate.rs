use super::Dockline;
use crate::error::{AuthenticateError, ChargeError, PortError};
use crate::model::{
    ApiKey, Budget, BudgetClass, BudgetKey, Caller, KeyEnvironment, KeyId, KeyRecord, Scope, Tier,
};
use crate::ports::{RateLimitDecision, RateLimitRequest};
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

impl Dockline {
    /// Authenticates a request by its API key: checks the key (401), then the scope (403), then charges the budget (429).
    /// Call it before anything else of the request is read. `presented` is the Bearer token; `needed` is the scope, or
    /// `None` if any valid key is allowed. A 401 and a 403 cost no budget.
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
        let (Some(keys), Ok(presented)) = (&self.keys, ApiKey::parse(presented)) else {
            return Err(AuthenticateError::Unauthenticated);
        };
        let record = keys.find(presented.id()).await?;
        let now = self.now();
        let record =
            access::authenticate(&presented, record, now).ok_or(AuthenticateError::Unauthenticated)?;
        self.usage.used(&record.id, now);
        let budget_key = BudgetKey::from(&record.id);
        if needed.is_some_and(|needed| !record.scopes.iter().any(|held| held.covers(needed))) {
            let decision = self.check_budget(&budget_key, &record.tier, class, 0).await?;
            let budget = decision.map(|decision| match decision {
                RateLimitDecision::Allowed(budget) | RateLimitDecision::Limited { budget, .. } => budget,
            });
            let KeyRecord { id: key, organization, .. } = record;
            return Err(AuthenticateError::ForbiddenScope { key, organization, budget });
        }
        match self.check_budget(&budget_key, &record.tier, class, 1).await? {
            None => Ok(authenticated(record, None)),
            Some(RateLimitDecision::Allowed(budget)) => Ok(authenticated(record, Some(budget))),
            Some(RateLimitDecision::Limited { budget, retry_after }) => {
                let KeyRecord { id: key, organization, .. } = record;
                Err(AuthenticateError::RateLimited { key, organization, budget, retry_after })
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
        match self.check_budget(key, tier, class, 1).await? {
            None => Ok(None),
            Some(RateLimitDecision::Allowed(budget)) => Ok(Some(budget)),
            Some(RateLimitDecision::Limited { budget, retry_after }) => {
                Err(ChargeError::RateLimited { budget, retry_after })
            }
        }
    }

    /// Returns whether API keys are configured.
    #[must_use]
    pub const fn has_api_keys(&self) -> bool {
        self.keys.is_some()
    }

    async fn check_budget(
        &self,
        key: &BudgetKey,
        tier: &Tier,
        class: BudgetClass,
        permits: u32,
    ) -> Result<Option<RateLimitDecision>, PortError> {
        let Some(limiter) = &self.limiter else { return Ok(None) };
        let (key, tier) = (key.clone(), tier.clone());
        limiter.check(RateLimitRequest { key, class, tier, permits, now: self.now() }).await.map(Some)
    }
}

fn authenticated(record: KeyRecord, budget: Option<Budget>) -> Authenticated {
    let caller = Caller {
        organization: record.organization,
        organization_name: record.organization_name,
        actor: (&record.id).into(),
        return_hosts: record.return_hosts,
        budget: Some((BudgetKey::from(&record.id), record.tier.clone())),
    };
    let KeyRecord { id, environment, scopes, tier, .. } = record;
    Authenticated { caller, key: AuthenticatedKey { id, environment, scopes, tier }, budget }
}
