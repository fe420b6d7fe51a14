//! Clocks that go back, or far ahead.

use std::time::Duration;

use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use time::macros::datetime;

use super::{NOON, SHORTEST, allowed, ask, limited, reads, sized, writes};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Whether by a second or by weeks (I27).
pub async fn a_clock_that_goes_back_gives_nothing_back(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    for back in [SECOND, MINUTE, HOUR, 24 * HOUR, 1_000 * HOUR] {
        let (budget, _) = limited(limiter, reads(1, NOON - back)).await;
        assert_eq!(budget.remaining, 0, "{back:?}");
    }
}

/// The day's count survives its own yesterday (I27).
pub async fn a_clock_that_goes_back_over_midnight_gives_no_day_back(limiter: &dyn RateLimiter) {
    let morning = datetime!(2026-06-02 00:10 UTC);
    allowed(limiter, writes(60, morning)).await;
    allowed(limiter, writes(40, morning + MINUTE)).await;
    // Forth and back over the same midnight, as two callers would whose clocks differ.
    for _ in 0..3 {
        limited(limiter, writes(1, morning - HOUR / 2)).await;
        limited(limiter, writes(1, morning + 5 * MINUTE)).await;
    }
    // And by days.
    limited(limiter, writes(1, morning - 48 * HOUR)).await;
}

/// Two nodes with an hour between their clocks get one budget (I20, I27).
pub async fn callers_whose_clocks_differ_make_no_budget_of_it(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    for _ in 0..50 {
        limited(limiter, reads(1, NOON - HOUR)).await;
        limited(limiter, reads(1, NOON)).await;
    }
}

/// The answered wait includes the difference (I27).
pub async fn a_clock_that_is_a_little_behind_is_waited_for(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    let behind = NOON - 10 * MINUTE;
    let (budget, retry_after) = limited(limiter, reads(1, behind)).await;
    assert_eq!(retry_after, 10 * MINUTE + SECOND / 2);
    assert_eq!(budget.reset_after, 11 * MINUTE);
    limited(limiter, reads(1, behind + retry_after - SHORTEST)).await;
    allowed(limiter, reads(1, behind + retry_after)).await;
}

/// A smaller tier counts at once, by any clock.
pub async fn a_smaller_tier_cuts_also_while_the_clock_is_behind(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(1, NOON)).await;
    let small = RateLimitRequest { tier: sized(10, 0, 0), ..reads(0, NOON - MINUTE) };
    assert_eq!(allowed(limiter, small).await.remaining, 10);
}

/// A clock that was set right after decades counts on with what was left (I27).
pub async fn a_clock_that_was_far_ahead_does_not_block_for_ever(limiter: &dyn RateLimiter) {
    allowed(limiter, writes(60, datetime!(2099-01-01 00:00 UTC))).await;
    let (_, retry_after) = limited(limiter, writes(1, NOON)).await;
    assert_eq!(retry_after, SECOND);
    allowed(limiter, writes(1, NOON + SECOND)).await;
    // The day's count goes on and ends with the day on which the clock now stands.
    assert_eq!(allowed(limiter, writes(0, NOON + HOUR)).await.remaining, 39);
    allowed(limiter, writes(39, NOON + HOUR)).await;
    let (_, retry_after) = limited(limiter, writes(1, NOON + 2 * HOUR)).await;
    assert_eq!(retry_after, 10 * HOUR);
}

/// Clock skew takes nothing away, either (I27).
pub async fn a_budget_that_is_left_is_there_whatever_the_clock_says(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(100, NOON)).await;
    assert_eq!(allowed(limiter, reads(10, NOON - MINUTE)).await.remaining, 10);
    assert_eq!(allowed(limiter, reads(10, NOON - 1_000 * HOUR)).await.remaining, 0);
}

/// The years 1 and 9999 are times as any other.
pub async fn the_far_ends_of_time_do_no_harm(limiter: &dyn RateLimiter) {
    let ends = [datetime!(0001-01-01 00:00 UTC), datetime!(9999-12-31 23:59:59.999999 UTC)];
    for permits in [0, 1, u32::MAX] {
        for now in ends {
            let verdict = ask(limiter, writes(permits, now)).await;
            assert_eq!(matches!(verdict, RateLimitDecision::Allowed(_)), permits <= 1, "{verdict:?}");
        }
    }
}
