//! A bucket is deleted when a full one would decide the same.

use dockline::ports::{RateLimitDecision, RateLimitRequest};
use dockline::{BudgetClass, Tier};
use time::{Duration, OffsetDateTime};

use super::{HousekeepingDriver, purge};
use crate::fixtures::NOON;
use crate::rate_limiter::key;
use crate::runner::cases;

async fn left(driver: &dyn HousekeepingDriver, class: BudgetClass, permits: u32, now: OffsetDateTime) -> u32 {
    let request =
        RateLimitRequest { key: key("0123456789ABCDEF"), class, tier: Tier::standard(), permits, now };
    match driver.limiter().check(request).await.unwrap() {
        RateLimitDecision::Allowed(budget) | RateLimitDecision::Limited { budget, .. } => budget.remaining,
    }
}

cases!(
    use __housekeeping_buckets as list;

    /// A bucket is kept while a full one would decide otherwise: for an hour, since the clock of a node may be behind by as much,
    /// and of writes for the day whose cap it counts (I20).
    pub async fn buckets_are_kept_while_they_decide(driver: &dyn HousekeepingDriver) {
        for class in [BudgetClass::Read, BudgetClass::Write] {
            left(driver, class, 1, NOON).await;
        }
        let before = left(driver, BudgetClass::Write, 0, NOON + Duration::HOUR).await;
        assert_eq!(purge(driver, NOON + Duration::HOUR).await, 0, "a node's clock may be an hour behind");
        assert_eq!(purge(driver, NOON + Duration::HOUR + Duration::SECOND).await, 1, "the bucket of reads");
        assert_eq!(purge(driver, NOON + Duration::hours(12)).await, 0, "writes count towards the daily cap");
        assert_eq!(left(driver, BudgetClass::Write, 0, NOON + Duration::HOUR).await, before);
        assert_eq!(
            purge(driver, NOON + Duration::hours(13)).await,
            1,
            "the bucket of writes, an hour after midnight"
        );
    }
);
