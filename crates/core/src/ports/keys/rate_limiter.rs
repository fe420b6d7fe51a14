use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::{Budget, BudgetClass, BudgetKey, Tier};
use crate::ports::forward;

/// The argument of [`RateLimiter::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitRequest {
    /// The identity of the budget.
    pub key: BudgetKey,
    /// The class to charge.
    pub class: BudgetClass,
    /// The size of the budget.
    pub tier: Tier,
    /// The number of requests to charge; 0 reads the level and charges nothing.
    pub permits: u32,
    /// The time by the core's clock.
    pub now: OffsetDateTime,
}

/// The outcome of [`RateLimiter::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimitDecision {
    /// The permits were charged; this is the level afterwards.
    Allowed(Budget),
    /// Nothing was charged.
    Limited {
        /// The level.
        budget: Budget,
        /// The time after which the same request would be allowed, if no other request is charged.
        retry_after: Duration,
    },
}

/// Counts requests per budget and class, in a bucket that refills evenly over a minute and with the tier's cap per UTC
/// day.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait RateLimiter: Debug + Send + Sync + 'static {
    /// Charges the permits if the budget has all of them, and otherwise nothing.
    ///
    /// - MUST be exact under concurrent calls.
    /// - SHOULD write nothing if nothing is charged, so that a caller over its budget costs no write. The exceptions are rare:
    ///   see [`Bucket::was_corrected`](crate::rules::bucket::Bucket::was_corrected).
    /// - MUST NOT return budget if `now` goes backwards.
    /// - MUST NOT stay blocked after `now` was far in the future: if `now` is more than an hour behind, counting continues
    ///   from `now` with the current level.
    /// - MUST NOT allow more permits than the whole budget. `retry_after` is then more than ten years: it never succeeds. The
    ///   bundled adapters return [`NEVER`](crate::rules::bucket::NEVER), a hundred years.
    /// - MUST keep the level and the count of the day until a full bucket would decide the same
    ///   ([`Bucket::is_spare`](crate::rules::bucket::Bucket::is_spare)).
    /// - `retry_after` and `reset_after` MUST be exact to the microsecond: the request is allowed after the wait, and not before.
    /// - `reset_after` refers to the daily cap if less than a minute's limit is left of it.
    ///
    /// # Errors
    /// Infrastructure failures only, for which the core rejects the request.
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError>;
}

forward!(RateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError>;
} );
