//! `MemoryRateLimiter` counts nanoseconds and accepts any time.

#![expect(clippy::unwrap_used, reason = "memory does not fail")]

use std::borrow::Cow;
use std::time::Duration;

use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{BudgetClass, KeyId, Tier};
use dockline_memory::MemoryRateLimiter;
use dockline_testkit::fixtures::NOON;
use dockline_testkit::runner::block_on;
use time::{OffsetDateTime, PrimitiveDateTime};

const NANOSECOND: Duration = Duration::from_nanos(1);

fn check(
    limiter: &MemoryRateLimiter,
    per_minute: u32,
    permits: u32,
    now: OffsetDateTime,
) -> RateLimitDecision {
    let tier = Tier {
        name: Cow::Borrowed("fixture"),
        reads_per_minute: per_minute,
        writes_per_minute: 60,
        writes_per_day: 100,
    };
    let key = KeyId::parse("0123456789ABCDEF").unwrap();
    block_on(limiter.check(RateLimitRequest {
        key: (&key).into(),
        class: BudgetClass::Read,
        tier,
        permits,
        now,
    }))
    .unwrap()
}

fn remaining(decision: RateLimitDecision) -> u32 {
    match decision {
        RateLimitDecision::Allowed(budget) => budget.remaining,
        limited @ RateLimitDecision::Limited { .. } => unreachable!("not allowed: {limited:?}"),
    }
}

#[test]
fn the_bucket_refills_to_the_nanosecond() {
    let limiter = MemoryRateLimiter::new();
    remaining(check(&limiter, 120, 120, NOON));
    for permits in 1..=120 {
        let refilled = NOON + Duration::from_millis(500) * permits;
        assert_eq!(remaining(check(&limiter, 120, 0, refilled - NANOSECOND)), permits - 1);
        assert_eq!(remaining(check(&limiter, 120, 0, refilled)), permits);
    }
}

// Seven a minute is one per 8,571,428,571.43 ns: rounding at each check would add up.
#[test]
fn checks_at_odd_nanoseconds_neither_add_nor_lose_permits() {
    let limiter = MemoryRateLimiter::new();
    remaining(check(&limiter, 7, 7, NOON));
    let mut now = NOON;
    while now < NOON + Duration::from_secs(50) {
        now += Duration::from_nanos(99_999_991);
        remaining(check(&limiter, 7, 0, now));
    }
    let full = NOON + Duration::from_secs(60);
    let early = check(&limiter, 7, 7, full - NANOSECOND);
    assert!(matches!(early, RateLimitDecision::Limited { retry_after: NANOSECOND, .. }), "{early:?}");
    remaining(check(&limiter, 7, 7, full));
}

#[test]
fn a_check_without_a_charge_by_a_lower_tier_caps_the_level() {
    let limiter = MemoryRateLimiter::new();
    remaining(check(&limiter, 120, 1, NOON));
    assert_eq!(remaining(check(&limiter, 10, 0, NOON)), 10);
    assert_eq!(remaining(check(&limiter, 120, 0, NOON)), 10);
}

#[test]
fn the_earliest_and_the_latest_time_are_accepted() {
    let limiter = MemoryRateLimiter::new();
    let ends = [PrimitiveDateTime::MIN, PrimitiveDateTime::MAX].map(PrimitiveDateTime::assume_utc);
    for permits in [0, 1, u32::MAX] {
        for now in ends {
            let decision = check(&limiter, 120, permits, now);
            assert_eq!(matches!(decision, RateLimitDecision::Allowed(_)), permits <= 1, "{decision:?}");
        }
    }
}
