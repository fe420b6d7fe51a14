//! Callers at one moment: a budget is exact.

use std::sync::Arc;
use std::time::Duration;

use dockline::BudgetKey;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};

use super::{NOON, allowed, ask, key, reads, writes};
use crate::race::{ROUNDS, race};

/// A key that only this round has.
fn key_of(round: u64) -> BudgetKey {
    key(&format!("{round:016}"))
}

/// 16 callers ask 20 times each for one of 120: 120 get it, whoever they are (I20).
pub async fn a_budget_is_exact_under_concurrent_callers(limiter: &Arc<dyn RateLimiter>) {
    for round in ROUNDS {
        let granted = race(limiter, |limiter, _| async move {
            let mut granted = 0;
            for _ in 0..20 {
                let take = RateLimitRequest { key: key_of(round), ..reads(1, NOON) };
                granted += usize::from(matches!(ask(&*limiter, take).await, RateLimitDecision::Allowed(_)));
            }
            granted
        })
        .await;
        assert_eq!(granted.iter().sum::<usize>(), 120);
    }
}

/// Also where each caller's clock shows another time. How many get through is chance: a clock that is behind waits.
/// None of them is lost or counted twice (I20, I27).
pub async fn a_days_cap_is_exact_under_concurrent_callers_on_differing_clocks(
    limiter: &Arc<dyn RateLimiter>,
) {
    for round in ROUNDS {
        let take = move |permits, now| RateLimitRequest { key: key_of(round), ..writes(permits, now) };
        let granted = race(limiter, |limiter, number| async move {
            let mut granted = 0;
            for minute in 0..10 {
                let now = NOON + Duration::from_secs(60) * minute + Duration::from_secs(number);
                if matches!(ask(&*limiter, take(3, now)).await, RateLimitDecision::Allowed(_)) {
                    granted += 3;
                }
            }
            granted
        })
        .await;
        let granted = granted.iter().sum::<u32>();
        let left = allowed(&**limiter, take(0, NOON + Duration::from_secs(3_600))).await.remaining;
        assert!((60..=100).contains(&granted), "{granted}");
        assert_eq!(granted + left, 100);
    }
}
