//! What `MemoryRateLimiter` does beyond the port: it counts nanoseconds, and takes any time there is.

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

fn take(
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

fn remaining(verdict: RateLimitDecision) -> u32 {
    match verdict {
        RateLimitDecision::Allowed(budget) => budget.remaining,
        limited @ RateLimitDecision::Limited { .. } => unreachable!("not allowed: {limited:?}"),
    }
}

#[test]
fn the_bucket_refills_to_the_nanosecond() {
    let limiter = MemoryRateLimiter::new();
    remaining(take(&limiter, 120, 120, NOON));
    for permits in 1..=120 {
        let there = NOON + Duration::from_millis(500) * permits;
        assert_eq!(remaining(take(&limiter, 120, 0, there - NANOSECOND)), permits - 1);
        assert_eq!(remaining(take(&limiter, 120, 0, there)), permits);
    }
}

// Seven a minute is one each 8,571,428,571.43 ns: rounding at each look would add up.
#[test]
fn looking_at_odd_nanoseconds_neither_makes_nor_loses_budget() {
    let limiter = MemoryRateLimiter::new();
    remaining(take(&limiter, 7, 7, NOON));
    let mut now = NOON;
    while now < NOON + Duration::from_secs(50) {
        now += Duration::from_nanos(99_999_991);
        remaining(take(&limiter, 7, 0, now));
    }
    let full = NOON + Duration::from_secs(60);
    let early = take(&limiter, 7, 7, full - NANOSECOND);
    assert!(matches!(early, RateLimitDecision::Limited { retry_after: NANOSECOND, .. }), "{early:?}");
    remaining(take(&limiter, 7, 7, full));
}

#[test]
fn a_look_by_a_smaller_tier_is_enough_to_cut() {
    let limiter = MemoryRateLimiter::new();
    remaining(take(&limiter, 120, 1, NOON));
    assert_eq!(remaining(take(&limiter, 10, 0, NOON)), 10);
    assert_eq!(remaining(take(&limiter, 120, 0, NOON)), 10);
}

#[test]
fn the_very_ends_of_time_do_no_harm() {
    let limiter = MemoryRateLimiter::new();
    let ends = [PrimitiveDateTime::MIN, PrimitiveDateTime::MAX].map(PrimitiveDateTime::assume_utc);
    for permits in [0, 1, u32::MAX] {
        for now in ends {
            let verdict = take(&limiter, 120, permits, now);
            assert_eq!(matches!(verdict, RateLimitDecision::Allowed(_)), permits <= 1, "{verdict:?}");
        }
    }
}
