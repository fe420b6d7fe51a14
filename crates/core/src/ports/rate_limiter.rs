use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{Budget, BudgetClass, BudgetKey, Tier};

/// One question to a [`RateLimiter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitRequest {
    /// Whose budget.
    pub key: BudgetKey,
    /// Which of its budgets.
    pub class: BudgetClass,
    /// How large it is.
    pub tier: Tier,
    /// How many requests to charge; 0 looks and charges nothing.
    pub permits: u32,
    /// The time by the core's clock.
    pub now: OffsetDateTime,
}

/// Outcome of [`RateLimiter::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimitDecision {
    /// Charged.
    Allowed(Budget),
    /// Not charged.
    Limited {
        /// Where the key stands.
        budget: Budget,
        /// After how long the same question would be allowed, if no other came between.
        retry_after: Duration,
    },
}

/// Counts requests per key and class: a bucket that refills evenly over a minute, and a cap per UTC day where the tier
/// has one.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait RateLimiter: Debug + Send + Sync + 'static {
    /// Charges `permits` if they are there, else nothing. MUST be exact under concurrent calls (invariant I20), and
    /// MUST NOT give budget back when `now` goes backwards (I27), nor block for ever after it was far ahead: a clock
    /// that is more than an hour behind counts on from where it stands, with what was left. `reset_after` is about the
    /// day's cap where less than a minute's limit is left of it. More permits than the whole budget are never allowed.
    ///
    /// # Errors
    /// Infrastructure only. The core fails closed.
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError>;
}

forward!(RateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError>;
} );
