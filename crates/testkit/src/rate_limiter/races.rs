//! Concurrent requests: the budget stays exact.

use std::sync::Arc;
use std::time::Duration;

use dockline::BudgetKey;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};

use super::{NOON, allowed, check, key, reads, writes};
use crate::race::{ROUNDS, race};
use crate::runner::cases;

fn key_of(round: u64) -> BudgetKey {
    key(&format!("{round:016}"))
}

cases!(
    use __rate_limiter_races as list;

    /// Of 16 tasks that each request one permit 20 times, exactly 120 requests are allowed (I20).
    pub async fn budget_is_exact_under_concurrency(limiter: &Arc<dyn RateLimiter>) {
        for round in ROUNDS {
            let granted = race(limiter, |limiter, _| async move {
                let mut granted = 0;
                for _ in 0..20 {
                    let request = RateLimitRequest { key: key_of(round), ..reads(1, NOON) };
                    let decision = check(&*limiter, request).await;
                    granted += usize::from(matches!(decision, RateLimitDecision::Allowed(_)));
                }
                granted
            })
            .await;
            assert_eq!(granted.iter().sum::<usize>(), 120);
        }
    }

    /// The day's cap is exact if the tasks' clocks differ: granted and remaining permits add up to it (I20, I27).
    pub async fn daily_cap_is_exact_under_concurrency(limiter: &Arc<dyn RateLimiter>) {
        for round in ROUNDS {
            let request = move |permits, now| RateLimitRequest { key: key_of(round), ..writes(permits, now) };
            let granted = race(limiter, |limiter, number| async move {
                let mut granted = 0;
                for minute in 0..10 {
                    let now = NOON + Duration::from_secs(60) * minute + Duration::from_secs(number);
                    if matches!(check(&*limiter, request(3, now)).await, RateLimitDecision::Allowed(_)) {
                        granted += 3;
                    }
                }
                granted
            })
            .await;
            // How many are granted varies, because a clock that is behind has to wait.
            let granted = granted.iter().sum::<u32>();
            let left = allowed(&**limiter, request(0, NOON + Duration::from_secs(3_600))).await.remaining;
            assert!((60..=100).contains(&granted), "{granted}");
            assert_eq!(granted + left, 100);
        }
    }
);
