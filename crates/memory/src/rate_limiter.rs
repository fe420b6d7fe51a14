use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::rules::bucket::Bucket;
use dockline::{BudgetClass, BudgetKey, PortError};
use time::OffsetDateTime;

use crate::Shared;

/// With fewer buckets, eviction is not attempted.
const EVICTION_THRESHOLD: usize = 1_024;

/// Rate limits of one process. Exact under concurrent calls: levels are integers, and each decision holds the lock. A request
/// that is not charged changes nothing but a wrong clock and a level above a smaller tier.
///
/// A clock that goes back refills nothing. If it is up to ten minutes behind, refilling resumes when it catches up; up to an
/// hour, its own progress refills; if it is further behind, counting restarts at the clock's time with the remaining level. More permits than a full bucket
/// holds are never granted: `retry_after` is a hundred years.
#[derive(Clone, Default)]
pub struct MemoryRateLimiter(Shared<Buckets>);

#[derive(Default)]
struct Buckets {
    rows: HashMap<(BudgetKey, BudgetClass), Bucket>,
    evict_at: usize,
}

impl MemoryRateLimiter {
    /// A limiter whose buckets are all full.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Buckets {
    fn check(&mut self, request: RateLimitRequest) -> RateLimitDecision {
        let RateLimitRequest { key, class, tier, permits, now } = request;
        let id = (key, class);
        let stored = self.rows.get(&id).cloned();
        let mut bucket = stored.clone().unwrap_or_else(|| Bucket::full(class, &tier, now));
        bucket.catch_up(&tier, now);
        let decision = decide(&mut bucket, permits, now);
        let is_charged = permits > 0 && matches!(decision, RateLimitDecision::Allowed(_));
        if stored.is_none() && is_charged {
            self.evict(now);
        }
        if is_charged || stored.is_some_and(|stored| bucket.was_corrected(&stored)) {
            self.rows.insert(id, bucket);
        }
        decision
    }

    /// Evicts full buckets each time their number has doubled, so that the amortized cost of a call is constant.
    fn evict(&mut self, now: OffsetDateTime) {
        if self.rows.len() >= self.evict_at.max(EVICTION_THRESHOLD) {
            self.rows.retain(|_, bucket| !bucket.is_spare(now));
            self.evict_at = self.rows.len().saturating_mul(2);
        }
    }
}

fn decide(bucket: &mut Bucket, permits: u32, now: OffsetDateTime) -> RateLimitDecision {
    match bucket.charge(permits, now) {
        Ok(()) => RateLimitDecision::Allowed(bucket.budget(now)),
        Err(retry_after) => RateLimitDecision::Limited { budget: bucket.budget(now), retry_after },
    }
}

impl fmt::Debug for MemoryRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRateLimiter").finish_non_exhaustive()
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        Ok(self.0.lock().check(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dockline::{KeyId, Tier};
    use time::Duration;

    fn charge(buckets: &mut Buckets, class: BudgetClass, number: u64, now: OffsetDateTime) {
        let key = BudgetKey::from(&KeyId::parse(&format!("{number:016}")).unwrap());
        let request = RateLimitRequest { key, class, tier: Tier::standard(), permits: 1, now };
        assert!(matches!(buckets.check(request), RateLimitDecision::Allowed(_)));
    }

    #[test]
    fn a_bucket_without_a_daily_cap_is_evicted_within_hours() {
        let mut buckets = Buckets::default();
        for number in 0..20_000_u64 {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::seconds(5 * number.cast_signed());
            charge(&mut buckets, BudgetClass::Read, number, now);
        }
        // 720 buckets are younger than an hour; eviction is due at twice the number that the last one left.
        assert!(buckets.rows.len() < 2 * EVICTION_THRESHOLD, "{}", buckets.rows.len());
    }

    #[test]
    fn buckets_that_equal_a_fresh_one_are_evicted() {
        let mut buckets = Buckets::default();
        let noon = OffsetDateTime::UNIX_EPOCH + Duration::hours(12);
        let mut most = 0;
        for number in 0..20_000 {
            // A write counts for the rest of its day and is kept an hour longer: about 1,500 at one a minute.
            charge(&mut buckets, BudgetClass::Write, number, noon + Duration::minutes(number.cast_signed()));
            most = most.max(buckets.rows.len());
        }
        assert!((EVICTION_THRESHOLD..4_000).contains(&most), "{most}");
    }

    #[test]
    fn a_bucket_with_writes_of_the_day_is_not_evicted() {
        let mut buckets = Buckets::default();
        let morning = OffsetDateTime::UNIX_EPOCH;
        for number in 0..=2_000 {
            charge(
                &mut buckets,
                BudgetClass::Write,
                number,
                morning + Duration::seconds(30 * number.cast_signed()),
            );
        }
        assert_eq!(buckets.rows.len(), 2_001);
    }

    // A caller whose clock is behind must find the bucket instead of a fresh one.
    #[test]
    fn a_full_bucket_is_not_evicted_while_a_clock_may_be_behind_it() {
        let mut buckets = Buckets::default();
        for number in 0..=2_000_u64 {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(1_500 * number.cast_signed());
            charge(&mut buckets, BudgetClass::Read, number, now);
        }
        assert_eq!(buckets.rows.len(), 2_001);
    }

    #[test]
    fn a_check_without_a_charge_stores_no_bucket() {
        let mut buckets = Buckets::default();
        let key = BudgetKey::from(&KeyId::parse("0123456789ABCDEF").unwrap());
        let now = OffsetDateTime::UNIX_EPOCH;
        buckets.check(RateLimitRequest {
            key,
            class: BudgetClass::Read,
            tier: Tier::standard(),
            permits: 0,
            now,
        });
        assert!(buckets.rows.is_empty());
    }
}
