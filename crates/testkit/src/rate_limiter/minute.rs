//! The bucket of a minute: burst, refill, keys, classes and tiers.

use std::time::Duration;

use dockline::ports::{RateLimitRequest, RateLimiter};
use dockline::{Budget, BudgetClass, BudgetKey};

use super::{NOON, RESOLUTION, allowed, key, limited, reads, tier_of, writes};
use crate::dropped::{POLLS, dropped_after, soon};
use crate::fixtures::{CANARY, assert_hidden, organization};
use crate::runner::cases;

const HALF_A_SECOND: Duration = Duration::from_millis(500);

fn budget(remaining: u32, reset_after: Duration) -> Budget {
    Budget { class: BudgetClass::Read, limit: 120, remaining, reset_after }
}

cases!(
    use __rate_limiter_minute as list;

    /// The whole budget is available at once, and after it nothing until it refills (I20).
    pub async fn key_can_burst_up_to_its_limit(limiter: &dyn RateLimiter) {
        for remaining in (0..120).rev() {
            let reset_after = HALF_A_SECOND * (120 - remaining);
            assert_eq!(allowed(limiter, reads(1, NOON)).await, budget(remaining, reset_after));
        }
        let refused = limited(limiter, reads(1, NOON)).await;
        assert_eq!(refused, (budget(0, Duration::from_secs(60)), HALF_A_SECOND));
    }

    /// Either all permits of a request are charged or none.
    pub async fn permits_are_charged_all_or_none(limiter: &dyn RateLimiter) {
        assert_eq!(allowed(limiter, reads(100, NOON)).await.remaining, 20);
        let (budget, retry_after) = limited(limiter, reads(21, NOON)).await;
        assert_eq!((budget.remaining, retry_after), (20, HALF_A_SECOND));
        assert_eq!(allowed(limiter, reads(20, NOON)).await.remaining, 0);
    }

    /// A limited request is not charged, however often it is repeated.
    pub async fn limited_request_is_not_charged(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        for _ in 0..200 {
            limited(limiter, reads(1, NOON)).await;
        }
        allowed(limiter, reads(1, NOON + HALF_A_SECOND)).await;
    }

    /// A request for zero permits reports the budget and is not charged.
    pub async fn zero_permits_are_not_charged(limiter: &dyn RateLimiter) {
        for _ in 0..3 {
            assert_eq!(allowed(limiter, reads(0, NOON)).await, budget(120, Duration::ZERO));
        }
        allowed(limiter, reads(1, NOON)).await;
        for _ in 0..3 {
            assert_eq!(allowed(limiter, reads(0, NOON)).await, budget(119, HALF_A_SECOND));
        }
    }

    /// A request for zero permits is allowed even if the budget is empty.
    pub async fn zero_permits_are_allowed_on_an_empty_budget(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        assert_eq!(allowed(limiter, reads(0, NOON)).await, budget(0, Duration::from_secs(60)));
    }

    /// Each permit comes back at its time and not a microsecond earlier.
    pub async fn bucket_refills_evenly(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        for permits in 1..=120 {
            let refilled = NOON + HALF_A_SECOND * permits;
            assert_eq!(allowed(limiter, reads(0, refilled - RESOLUTION)).await.remaining, permits - 1);
            assert_eq!(allowed(limiter, reads(0, refilled)).await.remaining, permits);
        }
    }

    /// The bucket never holds more than the limit, however long it is unused.
    pub async fn bucket_holds_at_most_its_limit(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(1, NOON)).await;
        let later = NOON + Duration::from_secs(60 * 60);
        assert_eq!(allowed(limiter, reads(120, later)).await.remaining, 0);
        limited(limiter, reads(1, later)).await;
    }

    /// Rounding does not add up: seven a minute, or one per 8,571,428,571.43 ns, stay exact over 500 requests (I20).
    pub async fn frequent_requests_do_not_change_the_refill(limiter: &dyn RateLimiter) {
        let seven = |permits, now| RateLimitRequest { tier: tier_of(7, 0, 0), ..reads(permits, now) };
        allowed(limiter, seven(7, NOON)).await;
        let mut now = NOON;
        while now < NOON + Duration::from_secs(50) {
            now += Duration::from_micros(99_991);
            allowed(limiter, seven(0, now)).await;
        }
        let full = NOON + Duration::from_secs(60);
        limited(limiter, seven(7, full - RESOLUTION)).await;
        allowed(limiter, seven(7, full)).await;
    }

    /// Each key has its own budget for reads and its own for writes.
    pub async fn keys_and_classes_have_separate_budgets(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        assert_eq!(allowed(limiter, writes(60, NOON)).await.remaining, 0);
        let other = RateLimitRequest { key: key("0123456789ABCDEG"), ..reads(120, NOON) };
        assert_eq!(allowed(limiter, other).await.remaining, 0);
    }

    /// A larger tier adds no permits at once, but refills faster.
    pub async fn larger_tier_applies_from_the_next_request(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(120, NOON)).await;
        let large = |permits, now| RateLimitRequest { tier: tier_of(1_200, 0, 0), ..reads(permits, now) };
        let budget = allowed(limiter, large(0, NOON)).await;
        assert_eq!((budget.limit, budget.remaining), (1_200, 0));
        assert_eq!(allowed(limiter, large(20, NOON + Duration::from_secs(1))).await.remaining, 0);
    }

    /// A smaller tier caps the remaining permits at once. Raising it again does not bring them back.
    pub async fn smaller_tier_caps_the_remaining_permits(limiter: &dyn RateLimiter) {
        allowed(limiter, reads(1, NOON)).await;
        let small = |permits| RateLimitRequest { tier: tier_of(10, 0, 0), ..reads(permits, NOON) };
        assert_eq!(allowed(limiter, small(0)).await.remaining, 10);
        assert_eq!(allowed(limiter, small(1)).await.remaining, 9);
        assert_eq!(allowed(limiter, reads(0, NOON)).await.remaining, 9);
    }

    /// A request for more than the limit is limited, with a wait of more than ten years.
    pub async fn more_than_the_limit_is_never_available(limiter: &dyn RateLimiter) {
        let (budget, retry_after) = limited(limiter, reads(121, NOON)).await;
        assert_eq!(budget.remaining, 120);
        assert!(retry_after > Duration::from_secs(10 * 365 * 86_400), "{retry_after:?}");
    }

    /// A limit of zero allows requests for zero permits only.
    pub async fn zero_tier_allows_zero_permits_only(limiter: &dyn RateLimiter) {
        let none = |permits| RateLimitRequest { tier: tier_of(0, 0, 0), ..writes(permits, NOON) };
        assert_eq!(allowed(limiter, none(0)).await.remaining, 0);
        assert_eq!(limited(limiter, none(1)).await.0.reset_after, Duration::ZERO);
    }

    /// Limits beyond 31 bits are charged and refilled like any other (L-63).
    pub async fn largest_tier_is_exact(limiter: &dyn RateLimiter) {
        let largest = |permits, now| RateLimitRequest {
            tier: tier_of(u32::MAX, u32::MAX, u32::MAX),
            ..writes(permits, now)
        };
        assert_eq!(allowed(limiter, largest(u32::MAX - 1, NOON)).await.remaining, 1);
        let later = NOON + Duration::from_secs(60);
        let budget = allowed(limiter, largest(0, later)).await;
        assert_eq!((budget.limit, budget.remaining), (u32::MAX, 1)); // the rest of the day's cap
        limited(limiter, largest(2, later)).await;
        assert_eq!(allowed(limiter, largest(1, later)).await.remaining, 0);
    }

    /// Organizations that differ in the case of a letter have budgets of their own (I10).
    pub async fn case_of_letters_distinguishes_budgets(limiter: &dyn RateLimiter) {
        for name in ["org_acme", "ORG_ACME"] {
            let key = BudgetKey::from(&organization(name));
            let request = RateLimitRequest { key, ..reads(120, NOON) };
            assert_eq!(allowed(limiter, request).await.remaining, 0, "{name}");
        }
    }

    /// A dropped call charged all of its permits or none, and keeps nothing (I20).
    pub async fn dropped_call_is_charged_whole_or_not(limiter: &dyn RateLimiter) {
        for round in 1_u32..=4 {
            let key = key(&format!("{round:016}"));
            let request = |permits| RateLimitRequest { key: key.clone(), ..reads(permits, NOON) };
            for polls in POLLS {
                dropped_after(polls, limiter.check(request(10))).await;
            }
            let left = soon(allowed(limiter, request(0))).await.remaining;
            assert!(
                left >= 40 && left.is_multiple_of(10),
                "{left} are left of 120 after at most eight times 10"
            );
        }
    }

    /// `Debug` of the limiter shows no budget's key (I14).
    pub async fn debug_shows_nothing_stored(limiter: &dyn RateLimiter) {
        let key = BudgetKey::from(&organization(CANARY));
        allowed(limiter, RateLimitRequest { key, ..reads(1, NOON) }).await;
        assert_hidden(limiter, CANARY);
    }
);
