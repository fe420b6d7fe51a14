use super::Dockline;
use crate::error::{AuthenticateError, PortError};
use crate::model::{ApiKey, Budget, BudgetClass, Caller, Scope};
use crate::ports::{RateLimitDecision, RateLimitRequest};
use crate::rules::access;

/// A request that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// Who calls.
    pub caller: Caller,
    /// Where the key stands after this request; `None` where nothing is counted.
    pub budget: Option<Budget>,
}

impl Dockline {
    /// Lets a request in, or not: key (401), scope (403), budget (429), in this order and before anything else of the
    /// request is looked at (`contract.md` §3; invariant I12). `presented` is the Bearer token as it came. A 401 and a
    /// 403 cost no budget.
    ///
    /// # Errors
    /// See [`AuthenticateError`]. A failing store or limiter lets nothing through.
    pub async fn authenticate(
        &self,
        presented: &str,
        needed: Option<&Scope>,
        class: BudgetClass,
    ) -> Result<Authenticated, AuthenticateError> {
        let presented = ApiKey::parse(presented).map_err(|_| AuthenticateError::Unauthenticated)?;
        let record = self.ports.keys.find(presented.id()).await?;
        let now = self.now();
        let caller =
            access::authenticate(&presented, record, now).ok_or(AuthenticateError::Unauthenticated)?;
        self.usage.used(&caller.key, now);
        if !needed.is_none_or(|needed| caller.may(needed)) {
            let budget = self.charge(&caller, class, 0).await?.map(|verdict| match verdict {
                RateLimitDecision::Allowed(budget) | RateLimitDecision::Limited { budget, .. } => budget,
            });
            return Err(AuthenticateError::ForbiddenScope { caller: Box::new(caller), budget });
        }
        match self.charge(&caller, class, 1).await? {
            None => Ok(Authenticated { caller, budget: None }),
            Some(RateLimitDecision::Allowed(budget)) => Ok(Authenticated { caller, budget: Some(budget) }),
            Some(RateLimitDecision::Limited { budget, retry_after }) => {
                Err(AuthenticateError::RateLimited { caller: Box::new(caller), budget, retry_after })
            }
        }
    }

    async fn charge(
        &self,
        caller: &Caller,
        class: BudgetClass,
        permits: u32,
    ) -> Result<Option<RateLimitDecision>, PortError> {
        let Some(limiter) = &self.limiter else { return Ok(None) };
        let (key, tier) = (caller.key.clone(), caller.tier.clone());
        limiter.check(RateLimitRequest { key, class, tier, permits, now: self.now() }).await.map(Some)
    }
}
