use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::rules::bucket::Bucket;
use dockline::{BudgetClass, BudgetKey, PortError};
use time::OffsetDateTime;

use crate::shared::Shared;

/// Below this many buckets nobody looks for spare ones.
const FEWEST_SWEPT: usize = 1_024;

/// Budgets of every key that asked lately: exact in integers, exact under concurrent calls of one process (I20).
///
/// A clock that goes back gives nothing back (I27). Up to an hour behind, the budget waits for the clock to come
/// round; further behind, it counts on from where the clock stands, with what was left. More permits than the whole
/// budget are never there: `retry_after` then is a hundred years.
#[derive(Clone, Default)]
pub struct MemoryRateLimiter(Shared<Buckets>);

#[derive(Default)]
struct Buckets {
    rows: HashMap<(BudgetKey, BudgetClass), Bucket>,
    sweep_from: usize,
}

impl MemoryRateLimiter {
    /// A limiter that nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Buckets {
    fn check(&mut self, request: RateLimitRequest) -> RateLimitDecision {
        let RateLimitRequest { key, class, tier, permits, now } = request;
        let id = (key, class);
        if let Some(bucket) = self.rows.get_mut(&id) {
            bucket.catch_up(&tier, now);
            return verdict(bucket, permits, now);
        }
        let mut bucket = Bucket::full(class, &tier, now);
        let verdict = verdict(&mut bucket, permits, now);
        // A bucket that was not charged is still as good as none.
        if permits > 0 && matches!(verdict, RateLimitDecision::Allowed(_)) {
            self.sweep(now);
            self.rows.insert(id, bucket);
        }
        verdict
    }

    /// Sweeps each time the number has doubled, so that a call costs the same on average, however many keys there are.
    fn sweep(&mut self, now: OffsetDateTime) {
        if self.rows.len() >= self.sweep_from.max(FEWEST_SWEPT) {
            self.rows.retain(|_, bucket| !bucket.is_spare(now));
            self.sweep_from = self.rows.len().saturating_mul(2);
        }
    }
}

fn verdict(bucket: &mut Bucket, permits: u32, now: OffsetDateTime) -> RateLimitDecision {
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
    fn a_bucket_without_a_cap_of_the_day_is_forgotten_within_hours() {
        let mut buckets = Buckets::default();
        for number in 0..20_000_u64 {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::seconds(5 * number.cast_signed());
            charge(&mut buckets, BudgetClass::Read, number, now);
        }
        // An hour's worth is 720; the next sweep is due at twice what the last one left.
        assert!(buckets.rows.len() < 2 * FEWEST_SWEPT, "{}", buckets.rows.len());
    }

    #[test]
    fn buckets_that_a_fresh_one_would_equal_are_forgotten() {
        let mut buckets = Buckets::default();
        let noon = OffsetDateTime::UNIX_EPOCH + Duration::hours(12);
        let mut most = 0;
        for number in 0..20_000 {
            // A write is remembered for the rest of its day and the hour after it: about 1,500 at one a minute.
            charge(&mut buckets, BudgetClass::Write, number, noon + Duration::minutes(number.cast_signed()));
            most = most.max(buckets.rows.len());
        }
        assert!((FEWEST_SWEPT..4_000).contains(&most), "{most}");
    }

    #[test]
    fn a_bucket_with_writes_of_the_day_is_not_forgotten() {
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

    // A caller whose clock is behind must meet the bucket, not a fresh one.
    #[test]
    fn a_full_bucket_is_not_forgotten_while_a_clock_may_be_behind_it() {
        let mut buckets = Buckets::default();
        for number in 0..=2_000_u64 {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(1_500 * number.cast_signed());
            charge(&mut buckets, BudgetClass::Read, number, now);
        }
        assert_eq!(buckets.rows.len(), 2_001);
    }

    #[test]
    fn a_look_is_not_remembered() {
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
