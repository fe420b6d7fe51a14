//! Clocks that go back, differ between nodes, or run far ahead.

use std::time::Duration;

use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use time::macros::datetime;

use super::{NOON, RESOLUTION, allowed, check, key, limited, reads, tier_of, writes};
use crate::runner::cases;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

cases!(
    use __rate_limiter_clocks as list;

    /// A clock that goes back, by a second or by weeks, refills nothing (I27).
    pub async fn clock_going_back_refills_nothing(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        for back in [SECOND, MINUTE, HOUR, 24 * HOUR, 1_000 * HOUR] {
            let (budget, _) = limited(limiter, reads(1, NOON - back)).await;
            assert_eq!(budget.remaining, 0, "{back:?}");
        }
    }

    /// A clock that goes back over midnight does not reset the day's count (I27).
    pub async fn clock_going_back_over_midnight_resets_no_day(limiter: &dyn RateLimiter) {
        let morning = datetime!(2026-06-02 00:10 UTC);
        allowed(limiter, writes(60, morning)).await;
        allowed(limiter, writes(40, morning + MINUTE)).await;
        // Two callers whose clocks differ cross the same midnight several times.
        for _ in 0..3 {
            limited(limiter, writes(1, morning - HOUR / 2)).await;
            limited(limiter, writes(1, morning + 5 * MINUTE)).await;
        }
        limited(limiter, writes(1, morning - 48 * HOUR)).await;
    }

    /// Two nodes whose clocks differ by an hour share one budget (I20, I27).
    pub async fn nodes_with_different_clocks_share_one_budget(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        for _ in 0..50 {
            limited(limiter, reads(1, NOON - HOUR)).await;
            limited(limiter, reads(1, NOON)).await;
        }
    }

    /// `retry_after` includes the time by which the caller's clock is behind (I27).
    pub async fn wait_includes_the_clock_difference(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        let behind = NOON - 10 * MINUTE;
        let (budget, retry_after) = limited(limiter, reads(1, behind)).await;
        assert_eq!(retry_after, 10 * MINUTE + SECOND / 2);
        assert_eq!(budget.reset_after, 11 * MINUTE);
        limited(limiter, reads(1, behind + retry_after - RESOLUTION)).await;
        allowed(limiter, reads(1, behind + retry_after)).await;
    }

    /// After one node's clock was ahead for a moment, by less than an hour, the budget goes on refilling for the others (I27).
    pub async fn clock_ahead_for_a_moment_blocks_for_minutes_at_most(limiter: &dyn RateLimiter) {
        let longest = 10 * MINUTE + SECOND;
        for (minutes, number) in [(1, 1), (9, 2), (10, 3), (11, 4), (30, 5), (50, 6), (60, 7)] {
            let at = |now| RateLimitRequest {
                key: key(&format!("{number:016}")),
                tier: tier_of(60, 0, 0),
                ..reads(60, now)
            };
            allowed(limiter, at(NOON)).await;
            // The bucket is full for the clock that is ahead.
            allowed(limiter, at(NOON + minutes * MINUTE)).await;
            let one = |now| RateLimitRequest { permits: 1, ..at(now) };
            let mut now = NOON + SECOND;
            let (_, retry_after) = limited(limiter, one(now)).await;
            assert!(retry_after <= longest, "{minutes} min: {retry_after:?}");
            limited(limiter, one(now + retry_after - RESOLUTION)).await;
            // As told, and then as if nothing had happened: a permit each second.
            now += retry_after;
            for _ in 0..5 {
                allowed(limiter, one(now)).await;
                let (_, retry_after) = limited(limiter, one(now)).await;
                assert_eq!(retry_after, SECOND, "{minutes} min");
                now += retry_after;
            }
        }
    }

    /// The progress of two clocks, of which one is far behind, counts once (I20, I27).
    pub async fn clocks_far_apart_refill_once(limiter: &dyn RateLimiter) {
        let behind = 50 * MINUTE;
        let ask = |permits, now| RateLimitRequest { tier: tier_of(60, 0, 0), ..reads(permits, now) };
        allowed(limiter, ask(60, NOON)).await;
        limited(limiter, ask(1, NOON - behind)).await;
        let mut granted = 0;
        for second in 1..=30 {
            for now in [NOON - behind, NOON] {
                if let RateLimitDecision::Allowed(_) = check(limiter, ask(1, now + second * SECOND)).await {
                    granted += 1;
                }
            }
        }
        assert_eq!(granted, 30);
    }

    /// A smaller tier applies at once, also if the caller's clock is behind.
    pub async fn smaller_tier_applies_while_the_clock_is_behind(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(1, NOON)).await;
        let small = RateLimitRequest { tier: tier_of(10, 0, 0), ..reads(0, NOON - MINUTE) };
        assert_eq!(allowed(limiter, small).await.remaining, 10);
    }

    /// A clock that was decades ahead and is corrected continues with the remaining budget (I27).
    pub async fn clock_far_ahead_does_not_block_forever(limiter: &dyn RateLimiter) {
        allowed(limiter, writes(60, datetime!(2099-01-01 00:00 UTC))).await;
        let (_, retry_after) = limited(limiter, writes(1, NOON)).await;
        assert_eq!(retry_after, SECOND);
        allowed(limiter, writes(1, NOON + SECOND)).await;
        // The day's count continues and ends with the current day of the corrected clock.
        assert_eq!(allowed(limiter, writes(0, NOON + HOUR)).await.remaining, 39);
        allowed(limiter, writes(39, NOON + HOUR)).await;
        let (_, retry_after) = limited(limiter, writes(1, NOON + 2 * HOUR)).await;
        assert_eq!(retry_after, 10 * HOUR);
    }

    /// The remaining budget is available to a caller whose clock is behind (I27).
    pub async fn clock_going_back_keeps_the_remaining_budget(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(100, NOON)).await;
        assert_eq!(allowed(limiter, reads(10, NOON - MINUTE)).await.remaining, 10);
        assert_eq!(allowed(limiter, reads(10, NOON - 1_000 * HOUR)).await.remaining, 0);
    }

    /// The years 1 and 9999 are valid times.
    pub async fn extreme_times_are_valid(limiter: &dyn RateLimiter) {
        let ends = [datetime!(0001-01-01 00:00 UTC), datetime!(9999-12-31 23:59:59.999999 UTC)];
        for permits in [0, 1, u32::MAX] {
            for now in ends {
                let decision = check(limiter, writes(permits, now)).await;
                assert_eq!(matches!(decision, RateLimitDecision::Allowed(_)), permits <= 1, "{decision:?}");
            }
        }
    }
);
