//! Charging: one permit per request, to the budget of the rate limiter.

use std::borrow::Cow;
use std::time::Duration;

use dockline::ports::{AdmissionRequest, RateLimitDecision, RateLimitRequest};
use dockline::{Budget, BudgetClass, KeyRecord, Tier};

use super::{AdmissionDriver, NOON, admit, allowed, left, read, write};
use crate::fixtures::key;
use crate::runner::cases;

fn tier(reads_per_minute: u32, writes_per_minute: u32, writes_per_day: u32) -> Tier {
    Tier { name: Cow::Borrowed("fixture"), reads_per_minute, writes_per_minute, writes_per_day }
}

cases!(
    use __admission_budgets as list;

    /// Each request takes one permit of its class; after the last one requests are limited, with the wait of the rate limiter.
    pub async fn each_request_takes_one_permit_until_none_is_left(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        driver.insert(KeyRecord { tier: tier(5, 2, 3), ..record.clone() }).await;
        for remaining in (0..5).rev() {
            let reset_after = Duration::from_secs(12) * (5 - remaining);
            let level = Budget { class: BudgetClass::Read, limit: 5, remaining, reset_after };
            assert_eq!(allowed(driver.admission(), read(&api_key)).await, level);
        }
        let empty =
            Budget { class: BudgetClass::Read, limit: 5, remaining: 0, reset_after: Duration::from_secs(60) };
        for _ in 0..20 {
            let answer = admit(driver.admission(), read(&api_key)).await;
            let limited = RateLimitDecision::Limited { budget: empty, retry_after: Duration::from_secs(12) };
            assert_eq!(answer.decision, Some(limited));
        }
        let later = NOON + Duration::from_secs(12);
        let early = AdmissionRequest { now: later - Duration::from_micros(1), ..read(&api_key) };
        assert!(matches!(
            admit(driver.admission(), early).await.decision,
            Some(RateLimitDecision::Limited { .. })
        ));
        let refilled = AdmissionRequest { now: later, ..read(&api_key) };
        assert_eq!(allowed(driver.admission(), refilled).await.remaining, 0);
        assert_eq!(allowed(driver.admission(), write(&api_key)).await.remaining, 1);
    }

    /// Writes count against the cap of the day, in UTC.
    pub async fn writes_count_against_the_daily_cap(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        driver.insert(KeyRecord { tier: tier(60, 60, 3), ..record }).await;
        for remaining in (0..3).rev() {
            assert_eq!(allowed(driver.admission(), write(&api_key)).await.remaining, remaining);
        }
        let later = AdmissionRequest { now: NOON + Duration::from_secs(3_600), ..write(&api_key) };
        match admit(driver.admission(), later).await.decision {
            Some(RateLimitDecision::Limited { budget, retry_after }) => {
                assert_eq!((budget.remaining, retry_after), (0, Duration::from_secs(11 * 3_600)));
            }
            other => unreachable!("must be limited: {other:?}"),
        }
        let tomorrow = AdmissionRequest { now: NOON + Duration::from_secs(12 * 3_600), ..write(&api_key) };
        assert_eq!(allowed(driver.admission(), tomorrow).await.remaining, 2);
    }

    /// The budget is the rate limiter's: what one charges, the other finds charged.
    pub async fn budget_is_shared_with_the_rate_limiter(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        driver.insert(record.clone()).await;
        allowed(driver.admission(), read(&api_key)).await;
        assert_eq!(left(driver, &record, BudgetClass::Read).await, 119);
        let check = RateLimitRequest {
            key: (&record.id).into(),
            class: BudgetClass::Read,
            tier: record.tier.clone(),
            permits: 100,
            now: NOON,
        };
        driver.limiter().check(check).await.unwrap();
        assert_eq!(allowed(driver.admission(), read(&api_key)).await.remaining, 18);
        assert_eq!(allowed(driver.other_node(), read(&api_key)).await.remaining, 17);
    }

    /// A new tier applies from the next request: a smaller one caps what is left, a larger one refills faster.
    pub async fn new_tier_applies_from_the_next_request(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        driver.insert(record.clone()).await;
        assert_eq!(allowed(driver.admission(), read(&api_key)).await.remaining, 119);
        driver.replace(KeyRecord { tier: tier(1, 1, 1), ..record.clone() }).await;
        assert_eq!(allowed(driver.admission(), read(&api_key)).await.remaining, 0);
        let soon = AdmissionRequest { now: NOON + Duration::from_millis(100), ..read(&api_key) };
        assert!(matches!(
            admit(driver.admission(), soon.clone()).await.decision,
            Some(RateLimitDecision::Limited { .. })
        ));
        driver.replace(KeyRecord { tier: Tier::partner(), ..record }).await;
        let budget = allowed(driver.admission(), soon).await;
        assert_eq!((budget.limit, budget.remaining), (6_000, 9));
    }

    /// A request that is not charged reports the level, also of an empty budget.
    pub async fn uncharged_request_reports_the_level(driver: &dyn AdmissionDriver) {
        let (api_key, record) = key();
        driver.insert(KeyRecord { tier: tier(1, 1, 1), ..record }).await;
        let look = AdmissionRequest { charge: false, ..read(&api_key) };
        assert_eq!(allowed(driver.admission(), look.clone()).await.remaining, 1);
        allowed(driver.admission(), read(&api_key)).await;
        assert_eq!(allowed(driver.admission(), look).await.remaining, 0);
    }
);
