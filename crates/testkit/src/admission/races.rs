//! Concurrent requests: the budget stays exact, over two handles and with callers that leave.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::RateLimitDecision;
use dockline::{BudgetClass, KeyRecord, Tier};
use tokio::time::timeout;

use super::{AdmissionDriver, admit, allowed, left, read};
use crate::fixtures::key;
use crate::race::{ROUNDS, race};
use crate::runner::cases;

cases!(
    use __admission_races as list;

    /// Of 16 tasks on two nodes that each request 20 times, exactly 120 requests are allowed (I20).
    pub async fn budget_is_exact_under_concurrency(driver: &Arc<dyn AdmissionDriver>) {
        for _ in ROUNDS {
            let (api_key, record) = key();
            driver.insert(record).await;
            let request = read(&api_key);
            let granted = race(driver, |driver, number| {
                let request = request.clone();
                async move {
                    let node = if number % 2 == 0 { driver.admission() } else { driver.other_node() };
                    let mut granted = 0;
                    for _ in 0..20 {
                        let decision = admit(node, request.clone()).await.decision;
                        granted += u32::from(matches!(decision, Some(RateLimitDecision::Allowed(_))));
                    }
                    granted
                }
            })
            .await;
            assert_eq!(granted.iter().sum::<u32>(), 120);
        }
    }

    /// Of requests that come together, as many are allowed as the budget has permits, and each of these gets a level of its
    /// own.
    pub async fn as_many_are_allowed_as_fit(driver: &Arc<dyn AdmissionDriver>) {
        for _ in ROUNDS {
            let (api_key, record) = key();
            driver
                .insert(KeyRecord { tier: Tier { reads_per_minute: 5, ..Tier::standard() }, ..record })
                .await;
            let request = read(&api_key);
            let decisions = race(driver, |driver, _| {
                let request = request.clone();
                async move { admit(driver.admission(), request).await.decision }
            })
            .await;
            let mut levels = Vec::new();
            for decision in decisions {
                match decision {
                    Some(RateLimitDecision::Allowed(budget)) => levels.push(budget.remaining),
                    Some(RateLimitDecision::Limited { budget, retry_after }) => {
                        assert_eq!((budget.remaining, retry_after), (0, Duration::from_secs(12)));
                    }
                    None => unreachable!("the key is valid"),
                }
            }
            levels.sort_unstable();
            assert_eq!(levels, [0, 1, 2, 3, 4]);
        }
    }

    /// A caller that leaves strands no other, and is charged at most once.
    pub async fn caller_that_leaves_strands_no_other(driver: &Arc<dyn AdmissionDriver>) {
        let (api_key, record) = key();
        driver.insert(record.clone()).await;
        let request = read(&api_key);
        let stayed = race(driver, |driver, number| {
            let request = request.clone();
            async move {
                let call = admit(driver.admission(), request);
                if number % 2 == 0 {
                    drop(timeout(Duration::ZERO, call).await);
                    return 0;
                }
                u32::from(matches!(call.await.decision, Some(RateLimitDecision::Allowed(_))))
            }
        })
        .await;
        assert_eq!(stayed.iter().sum::<u32>(), 8);
        let after = allowed(driver.admission(), request).await.remaining;
        assert!((120 - 17..=120 - 9).contains(&after), "{after}");
        assert!(left(&**driver, &record, BudgetClass::Read).await <= after);
    }
);
