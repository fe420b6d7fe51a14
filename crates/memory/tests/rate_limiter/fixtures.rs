use std::borrow::Cow;
use std::time::Duration;

use dockline::ports::{RateLimiter, Take, Verdict};
use dockline::{Budget, BudgetClass, KeyId, Tier};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

/// 120 reads and 60 writes a minute, 100 writes a day.
pub(crate) fn tier() -> Tier {
    sized(120, 60, 100)
}

pub(crate) fn sized(reads_per_minute: u32, writes_per_minute: u32, writes_per_day: u32) -> Tier {
    Tier { name: Cow::Borrowed("fixture"), reads_per_minute, writes_per_minute, writes_per_day }
}

pub(crate) fn reads(permits: u32, now: OffsetDateTime) -> Take {
    Take { key: key("0123456789ABCDEF"), class: BudgetClass::Read, tier: tier(), permits, now }
}

pub(crate) fn writes(permits: u32, now: OffsetDateTime) -> Take {
    Take { class: BudgetClass::Write, ..reads(permits, now) }
}

pub(crate) fn key(id: &str) -> KeyId {
    KeyId::parse(id).unwrap()
}

pub(crate) async fn ask(limiter: &dyn RateLimiter, take: Take) -> Verdict {
    limiter.take(take).await.unwrap()
}

/// The budget after a question that must be allowed.
pub(crate) async fn allowed(limiter: &dyn RateLimiter, take: Take) -> Budget {
    match ask(limiter, take).await {
        Verdict::Allowed(budget) => budget,
        limited @ Verdict::Limited { .. } => unreachable!("not allowed: {limited:?}"),
    }
}

/// The budget and the wait after a question that must not be allowed.
pub(crate) async fn limited(limiter: &dyn RateLimiter, take: Take) -> (Budget, Duration) {
    match ask(limiter, take).await {
        Verdict::Limited { budget, retry_after } => (budget, retry_after),
        allowed @ Verdict::Allowed(_) => unreachable!("not limited: {allowed:?}"),
    }
}
