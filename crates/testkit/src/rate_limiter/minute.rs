//! The bucket of a minute.

use std::time::Duration;

use dockline::ports::{RateLimitRequest, RateLimiter};
use dockline::{Budget, BudgetClass};

use super::{NOON, SHORTEST, allowed, key, limited, reads, sized, writes};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

fn budget(remaining: u32, reset_after: Duration) -> Budget {
    Budget { class: BudgetClass::Read, limit: 120, remaining, reset_after }
}

/// The whole budget is there at once, and then nothing until it refills (I20).
pub async fn a_key_may_burst_to_its_limit_and_not_beyond(limiter: &dyn RateLimiter) {
    for remaining in (0..120).rev() {
        let reset_after = HALF_A_SECOND * (120 - remaining);
        assert_eq!(allowed(limiter, reads(1, NOON)).await, budget(remaining, reset_after));
    }
    let refused = limited(limiter, reads(1, NOON)).await;
    assert_eq!(refused, (budget(0, Duration::from_secs(60)), HALF_A_SECOND));
}

/// Too few permits: none is charged.
pub async fn permits_are_charged_all_or_none(limiter: &dyn RateLimiter) {
    assert_eq!(allowed(limiter, reads(100, NOON)).await.remaining, 20);
    let (budget, retry_after) = limited(limiter, reads(21, NOON)).await;
    assert_eq!((budget.remaining, retry_after), (20, HALF_A_SECOND));
    assert_eq!(allowed(limiter, reads(20, NOON)).await.remaining, 0);
}

/// Asking in vain, however often, does not put the next permit off.
pub async fn a_refusal_charges_nothing(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    for _ in 0..200 {
        limited(limiter, reads(1, NOON)).await;
    }
    allowed(limiter, reads(1, NOON + HALF_A_SECOND)).await;
}

/// Zero permits look.
pub async fn a_look_charges_nothing(limiter: &dyn RateLimiter) {
    for _ in 0..3 {
        assert_eq!(allowed(limiter, reads(0, NOON)).await, budget(120, Duration::ZERO));
    }
    allowed(limiter, reads(1, NOON)).await;
    for _ in 0..3 {
        assert_eq!(allowed(limiter, reads(0, NOON)).await, budget(119, HALF_A_SECOND));
    }
}

/// A look is never refused.
pub async fn a_look_at_an_empty_budget_is_allowed(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    assert_eq!(allowed(limiter, reads(0, NOON)).await, budget(0, Duration::from_secs(60)));
}

/// Each permit is back at its time and not a microsecond earlier.
pub async fn the_bucket_refills_evenly(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    for permits in 1..=120 {
        let there = NOON + HALF_A_SECOND * permits;
        let just_before = there - SHORTEST;
        assert_eq!(allowed(limiter, reads(0, just_before)).await.remaining, permits - 1);
        assert_eq!(allowed(limiter, reads(0, there)).await.remaining, permits);
    }
}

/// Not asking saves nothing up.
pub async fn a_bucket_never_holds_more_than_its_limit(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(1, NOON)).await;
    let later = NOON + Duration::from_secs(60 * 60);
    assert_eq!(allowed(limiter, reads(120, later)).await.remaining, 0);
    limited(limiter, reads(1, later)).await;
}

/// Seven a minute is one each 8,571,428,571.43 ns: rounding at each look would add up (I20).
pub async fn looking_often_neither_makes_nor_loses_budget(limiter: &dyn RateLimiter) {
    let seven = |permits, now| RateLimitRequest { tier: sized(7, 0, 0), ..reads(permits, now) };
    allowed(limiter, seven(7, NOON)).await;
    let mut now = NOON;
    while now < NOON + Duration::from_secs(50) {
        now += Duration::from_micros(99_991);
        allowed(limiter, seven(0, now)).await;
    }
    let full = NOON + Duration::from_secs(60);
    limited(limiter, seven(7, full - SHORTEST)).await;
    allowed(limiter, seven(7, full)).await;
}

/// Each key has a budget of its own in each class.
pub async fn keys_and_classes_do_not_share(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    assert_eq!(allowed(limiter, writes(60, NOON)).await.remaining, 0);
    let other = RateLimitRequest { key: key("0123456789ABCDEG"), ..reads(120, NOON) };
    assert_eq!(allowed(limiter, other).await.remaining, 0);
}

/// A larger tier gives no more at once, but refills faster.
pub async fn a_larger_tier_counts_from_the_next_question(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(120, NOON)).await;
    let large = |permits, now| RateLimitRequest { tier: sized(1_200, 0, 0), ..reads(permits, now) };
    let budget = allowed(limiter, large(0, NOON)).await;
    assert_eq!((budget.limit, budget.remaining), (1_200, 0));
    assert_eq!(allowed(limiter, large(20, NOON + Duration::from_secs(1))).await.remaining, 0);
}

/// A smaller tier counts at once; going back to the larger one does not bring back what was cut.
pub async fn a_smaller_tier_cuts_what_is_left(limiter: &dyn RateLimiter) {
    allowed(limiter, reads(1, NOON)).await;
    let small = |permits| RateLimitRequest { tier: sized(10, 0, 0), ..reads(permits, NOON) };
    assert_eq!(allowed(limiter, small(0)).await.remaining, 10);
    assert_eq!(allowed(limiter, small(1)).await.remaining, 9);
    assert_eq!(allowed(limiter, reads(0, NOON)).await.remaining, 9);
}

/// What cannot be allowed is not promised for soon.
pub async fn more_than_the_whole_budget_is_never_there(limiter: &dyn RateLimiter) {
    let (budget, retry_after) = limited(limiter, reads(121, NOON)).await;
    assert_eq!(budget.remaining, 120);
    assert!(retry_after > Duration::from_secs(10 * 365 * 86_400), "{retry_after:?}");
}

/// A limit of zero is a limit.
pub async fn a_tier_of_nothing_allows_nothing_but_looks(limiter: &dyn RateLimiter) {
    let none = |permits| RateLimitRequest { tier: sized(0, 0, 0), ..writes(permits, NOON) };
    assert_eq!(allowed(limiter, none(0)).await.remaining, 0);
    assert_eq!(limited(limiter, none(1)).await.0.reset_after, Duration::ZERO);
}

/// Numbers beyond 31 bits are charged and refilled as any other (L-63).
pub async fn the_largest_tier_is_a_tier(limiter: &dyn RateLimiter) {
    let largest =
        |permits, now| RateLimitRequest { tier: sized(u32::MAX, u32::MAX, u32::MAX), ..writes(permits, now) };
    assert_eq!(allowed(limiter, largest(u32::MAX - 1, NOON)).await.remaining, 1);
    let later = NOON + Duration::from_secs(60);
    let budget = allowed(limiter, largest(0, later)).await;
    assert_eq!((budget.limit, budget.remaining), (u32::MAX, 1)); // of the day
    limited(limiter, largest(2, later)).await;
    assert_eq!(allowed(limiter, largest(1, later)).await.remaining, 0);
}
