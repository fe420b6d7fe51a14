//! The cases of [`RateLimiter`]. [`rate_limiter_suite!`](crate::rate_limiter_suite) runs them.

use std::borrow::Cow;
use std::time::Duration;

#[doc(no_inline)]
pub use dockline::ports::RateLimiter;
use dockline::ports::{RateLimitDecision, RateLimitRequest};
use dockline::{Budget, BudgetClass, BudgetKey, KeyId, Tier};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod clocks;
pub mod daily;
pub mod minute;
pub mod races;
pub mod sequences;

pub(crate) use crate::fixtures::NOON;

/// The resolution of times in common databases.
const RESOLUTION: Duration = Duration::from_micros(1);

suite! {
    /// Makes one `#[test]` per case of [`RateLimiter`](crate::dockline::ports::RateLimiter) in a module `rate_limiter`.
    rate_limiter_suite, rate_limiter, RateLimiter: minute, daily, clocks, sequences, races
}

/// 120 reads and 60 writes a minute, 100 writes a day.
pub(crate) fn tier() -> Tier {
    tier_of(120, 60, 100)
}

pub(crate) fn tier_of(reads_per_minute: u32, writes_per_minute: u32, writes_per_day: u32) -> Tier {
    Tier { name: Cow::Borrowed("fixture"), reads_per_minute, writes_per_minute, writes_per_day }
}

pub(crate) fn reads(permits: u32, now: OffsetDateTime) -> RateLimitRequest {
    RateLimitRequest { key: key("0123456789ABCDEF"), class: BudgetClass::Read, tier: tier(), permits, now }
}

pub(crate) fn writes(permits: u32, now: OffsetDateTime) -> RateLimitRequest {
    RateLimitRequest { class: BudgetClass::Write, ..reads(permits, now) }
}

pub(crate) fn key(id: &str) -> BudgetKey {
    BudgetKey::from(&KeyId::parse(id).unwrap())
}

pub(crate) async fn check(limiter: &dyn RateLimiter, request: RateLimitRequest) -> RateLimitDecision {
    limiter.check(request).await.unwrap()
}

/// Returns the budget after a request that must be allowed.
pub(crate) async fn allowed(limiter: &dyn RateLimiter, request: RateLimitRequest) -> Budget {
    match check(limiter, request).await {
        RateLimitDecision::Allowed(budget) => budget,
        limited @ RateLimitDecision::Limited { .. } => unreachable!("must be allowed: {limited:?}"),
    }
}

/// Returns the budget and the wait after a request that must be limited.
pub(crate) async fn limited(limiter: &dyn RateLimiter, request: RateLimitRequest) -> (Budget, Duration) {
    match check(limiter, request).await {
        RateLimitDecision::Limited { budget, retry_after } => (budget, retry_after),
        allowed @ RateLimitDecision::Allowed(_) => unreachable!("must be limited: {allowed:?}"),
    }
}
