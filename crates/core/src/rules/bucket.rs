//! The arithmetic of budgets, which all rate limiters share so that they decide alike.

use std::time::Duration;

use time::{OffsetDateTime, UtcOffset};

use crate::model::{Budget, BudgetClass, Tier};

/// The number of level units per permit. A bucket of `limit` permits per minute gains `limit` units per nanosecond, so
/// that refilling needs no division and does not depend on how often the level is read.
pub const PERMIT: u128 = 60_000_000_000;

/// How far a clock may be behind before its time is adopted. Within this tolerance, nodes whose clocks differ gain no
/// budget from the difference. Beyond it, the clock was corrected, and counting continues from its time, so that a
/// moment in the far future does not block the budget for years.
pub const CLOCK_TOLERANCE: time::Duration = time::Duration::HOUR;

/// How long a clock that is behind may have to catch up. A clock that is further behind, but within [`CLOCK_TOLERANCE`],
/// counts on from the bucket's time by its own progress: another node's clock may have been ahead for a moment, and a budget
/// must not wait for that to pass.
pub const CATCH_UP: time::Duration = time::Duration::minutes(10);

/// The waiting time of a request that exceeds the whole budget.
pub const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// One class of a budget.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The class.
    pub class: BudgetClass,
    /// Permits per minute; also the capacity.
    pub limit: u32,
    /// Permits per UTC day, if there is a cap.
    pub daily: Option<u32>,
    /// Current level; one [`PERMIT`] is 60,000,000,000 units.
    pub level: u128,
    /// Permits charged on the UTC day of `at`, if there is a cap.
    pub used_today: u32,
    /// The time of the level, in UTC.
    pub at: OffsetDateTime,
    /// What is added to the time of a clock that is further behind than [`CATCH_UP`]. Zero until one was.
    pub lag: time::Duration,
}

impl Bucket {
    /// Returns a full bucket.
    #[must_use]
    pub fn full(class: BudgetClass, tier: &Tier, now: OffsetDateTime) -> Self {
        let (limit, daily) = (tier.per_minute(class), tier.per_day(class));
        let at = in_utc(now);
        Self { class, limit, daily, level: capacity(limit), used_today: 0, at, lag: time::Duration::ZERO }
    }

    /// Refills up to `now` and adopts the tier. A larger tier refills faster but adds no permits at once; a smaller one
    /// caps the level.
    pub fn catch_up(&mut self, tier: &Tier, now: OffsetDateTime) {
        self.limit = tier.per_minute(self.class);
        self.daily = tier.per_day(self.class);
        let now = in_utc(now);
        if self.is_lagging(now) && self.at - self.bucket_time(now) > CATCH_UP {
            self.lag = self.at - now;
        }
        let now = self.bucket_time(now);
        if now >= self.at {
            if now.date() > self.at.date() {
                self.used_today = 0;
            }
            self.level = self.level_at(now);
            self.at = now;
        } else if self.at - now > CLOCK_TOLERANCE {
            // Only the time is set back: the level and the count of the day stay.
            self.at = now;
            self.lag = time::Duration::ZERO;
        }
        self.level = self.level.min(capacity(self.limit));
    }

    /// Charges the permits.
    ///
    /// # Errors
    /// The time until the permits are available, if they are not. Nothing is charged then.
    pub fn charge(&mut self, permits: u32, now: OffsetDateTime) -> Result<(), Duration> {
        let wait = self.wait_for(permits, now);
        if wait.is_zero() {
            self.level = self.level.saturating_sub(u128::from(permits) * PERMIT);
            if self.daily.is_some() {
                self.used_today = self.used_today.saturating_add(permits);
            }
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// Returns the level for a response.
    #[must_use]
    pub fn budget(&self, now: OffsetDateTime) -> Budget {
        let permits = u32::try_from(self.level / PERMIT).unwrap_or(u32::MAX);
        let today = self.left_today();
        let mut reset_after = self.until_level(capacity(self.limit), now);
        if self.daily.is_some_and(|daily| today < daily.min(self.limit)) {
            reset_after = reset_after.max(self.until_tomorrow(now));
        }
        Budget { class: self.class, limit: self.limit, remaining: permits.min(today), reset_after }
    }

    /// Returns whether the bucket can be dropped: a full bucket would decide the same, also for clocks within the
    /// tolerance.
    #[must_use]
    pub fn is_spare(&self, now: OffsetDateTime) -> bool {
        let now = in_utc(now);
        now - self.at > CLOCK_TOLERANCE
            && self.level_at(now) == capacity(self.limit)
            && (self.used_today == 0 || (now - CLOCK_TOLERANCE).date() > self.at.date())
    }

    /// Returns the time until the permits are available: zero if they are, [`NEVER`] if they exceed the whole budget.
    #[must_use]
    pub fn wait_for(&self, permits: u32, now: OffsetDateTime) -> Duration {
        if permits == 0 {
            return Duration::ZERO;
        }
        if permits > self.limit || self.daily.is_some_and(|daily| permits > daily) {
            return NEVER;
        }
        let refilled = self.until_level(u128::from(permits) * PERMIT, now);
        if permits > self.left_today() { refilled.max(self.until_tomorrow(now)) } else { refilled }
    }

    fn is_lagging(&self, now: OffsetDateTime) -> bool {
        let behind = self.at - now;
        behind > CATCH_UP && behind <= CLOCK_TOLERANCE
    }

    /// Returns the time by which the bucket counts for a caller whose clock says `now`.
    fn bucket_time(&self, now: OffsetDateTime) -> OffsetDateTime {
        if self.is_lagging(now) { now.checked_add(self.lag).unwrap_or(now) } else { now }
    }

    /// Returns the time until the bucket's time is `then`, and `further` beyond it, for a caller whose clock says `now`.
    fn until(&self, then: OffsetDateTime, further: Duration, now: OffsetDateTime) -> Duration {
        let wait = |now: OffsetDateTime| {
            Duration::try_from(then - now).unwrap_or(Duration::ZERO).saturating_add(further)
        };
        let by_lag = wait(self.bucket_time(now));
        // The clock may catch up before, and then its own time counts.
        let still_lags = time::Duration::try_from(by_lag)
            .ok()
            .and_then(|by_lag| now.checked_add(by_lag))
            .is_some_and(|later| self.is_lagging(later));
        if self.is_lagging(now) && !still_lags { wait(now) } else { by_lag }
    }

    fn left_today(&self) -> u32 {
        self.daily.map_or(u32::MAX, |daily| daily.saturating_sub(self.used_today))
    }

    fn level_at(&self, now: OffsetDateTime) -> u128 {
        let elapsed = u128::try_from((now - self.at).whole_nanoseconds()).unwrap_or(0);
        self.level.saturating_add(elapsed.saturating_mul(u128::from(self.limit))).min(capacity(self.limit))
    }

    fn until_level(&self, level: u128, now: OffsetDateTime) -> Duration {
        match level.checked_sub(self.level) {
            None | Some(0) => Duration::ZERO,
            Some(missing) => {
                let nanoseconds = missing.div_ceil(u128::from(self.limit.max(1)));
                let refill = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
                self.until(self.at, refill, now)
            }
        }
    }

    fn until_tomorrow(&self, now: OffsetDateTime) -> Duration {
        let tomorrow = self.at.date().next_day().map(|day| day.midnight().assume_utc());
        tomorrow.map_or(NEVER, |tomorrow| self.until(tomorrow, Duration::ZERO, now))
    }
}

/// Returns the level of a full bucket.
#[must_use]
pub fn capacity(limit: u32) -> u128 {
    u128::from(limit) * PERMIT
}

/// Converts a time to UTC, whose days the daily cap counts by.
#[must_use]
pub fn in_utc(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use time::Duration as Span;
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    fn tier(per_minute: u32, per_day: u32) -> Tier {
        Tier {
            name: "test".into(),
            reads_per_minute: per_minute,
            writes_per_minute: per_minute,
            writes_per_day: per_day,
        }
    }

    fn bucket(per_minute: u32, per_day: u32) -> Bucket {
        Bucket::full(BudgetClass::Write, &tier(per_minute, per_day), NOON)
    }

    /// The permits that are left, and the time until the budget is full, in milliseconds.
    fn level(bucket: &Bucket, now: OffsetDateTime) -> (u32, u128) {
        let budget = bucket.budget(now);
        (budget.remaining, budget.reset_after.as_millis())
    }

    #[test]
    fn a_bucket_refills_evenly_over_a_minute() {
        let mut bucket = bucket(60, 1_000);
        assert_eq!(level(&bucket, NOON), (60, 0));
        assert_eq!(bucket.charge(60, NOON), Ok(()));
        assert_eq!(level(&bucket, NOON), (0, 60_000));
        assert_eq!(bucket.charge(2, NOON), Err(Duration::from_secs(2)));
        let now = NOON + Span::milliseconds(1_500);
        bucket.catch_up(&tier(60, 1_000), now);
        assert_eq!(level(&bucket, now), (1, 58_500));
        assert_eq!(bucket.charge(2, now), Err(Duration::from_millis(500)));
        // Without catching up, the wait counts from the time of the level.
        assert_eq!(bucket.wait_for(2, now + Span::milliseconds(200)), Duration::from_millis(500));
        assert_eq!(bucket.wait_for(2, now - Span::milliseconds(200)), Duration::from_millis(700));
        assert_eq!(bucket.charge(1, now), Ok(()));
        let full = now + Span::HOUR;
        bucket.catch_up(&tier(60, 1_000), full);
        assert_eq!(level(&bucket, full), (60, 0));
    }

    #[test]
    fn more_than_the_whole_budget_is_never_available_and_nothing_always() {
        let mut bucket = bucket(60, 100);
        assert_eq!(bucket.charge(61, NOON), Err(NEVER));
        assert_eq!(bucket.charge(60, NOON), Ok(()));
        assert_eq!(bucket.charge(0, NOON), Ok(()));
        let mut small = self::bucket(60, 10);
        assert_eq!(small.charge(11, NOON), Err(NEVER));
        assert_eq!(small.charge(10, NOON), Ok(()));
        let reads = Bucket::full(BudgetClass::Read, &tier(60, 10), NOON);
        assert_eq!(reads.wait_for(60, NOON), Duration::ZERO);
        let none = self::bucket(0, 0);
        assert_eq!((none.wait_for(1, NOON), level(&none, NOON)), (NEVER, (0, 0)));
    }

    #[test]
    fn the_daily_cap_ends_at_midnight_utc() {
        let mut bucket = bucket(60, 100);
        let twelve_hours = Duration::from_secs(12 * 60 * 60);
        assert_eq!(bucket.charge(40, NOON), Ok(()));
        // 60 of the day are left, as much as a minute's limit: only the refill counts.
        assert_eq!(level(&bucket, NOON), (20, 40_000));
        let now = NOON + Span::MINUTE;
        bucket.catch_up(&tier(60, 100), now);
        assert_eq!(bucket.charge(59, now), Ok(()));
        let rest = twelve_hours - Duration::from_secs(60);
        assert_eq!(level(&bucket, now), (1, rest.as_millis()));
        assert_eq!(bucket.charge(1, now), Ok(()));
        assert_eq!(bucket.charge(1, now), Err(rest));
        // The bucket refills, the day's cap does not.
        let later = NOON + Span::HOUR;
        bucket.catch_up(&tier(60, 100), later);
        assert_eq!(level(&bucket, later).0, 0);
        let midnight = NOON + Span::hours(12);
        bucket.catch_up(&tier(60, 100), midnight);
        assert_eq!((level(&bucket, midnight), bucket.used_today), ((60, 0), 0));
        // The same day in another offset is the day in UTC.
        let offset = UtcOffset::from_hms(5, 0, 0).unwrap();
        let mut elsewhere = Bucket::full(BudgetClass::Write, &tier(60, 100), NOON.to_offset(offset));
        assert_eq!(elsewhere.charge(60, NOON), Ok(()));
        let next_day_there = (NOON + Span::hours(8)).to_offset(offset);
        elsewhere.catch_up(&tier(60, 100), next_day_there);
        assert_eq!(elsewhere.used_today, 60);
        let reads = Bucket::full(BudgetClass::Read, &tier(60, 0), NOON);
        assert_eq!(level(&reads, NOON).0, 60);
    }

    #[test]
    fn a_new_tier_applies_at_once_and_adds_no_permits() {
        let mut bucket = bucket(60, 1_000);
        assert_eq!(bucket.charge(30, NOON), Ok(()));
        bucket.catch_up(&tier(600, 1_000), NOON);
        assert_eq!(level(&bucket, NOON), (30, 57_000));
        bucket.catch_up(&tier(10, 1_000), NOON);
        assert_eq!(level(&bucket, NOON), (10, 0));
        bucket.catch_up(&tier(60, 5), NOON);
        assert_eq!(level(&bucket, NOON).0, 0);
    }

    #[test]
    fn a_clock_that_is_behind_adds_nothing_and_blocks_for_an_hour_at_most_i_27() {
        let emptied = || {
            let mut bucket = bucket(60, 1_000);
            assert_eq!(bucket.charge(60, NOON), Ok(()));
            bucket
        };
        // Within the tolerance the time of the level stays.
        let mut bucket = emptied();
        bucket.catch_up(&tier(60, 1_000), NOON - Span::HOUR);
        assert_eq!(bucket.at, NOON);
        bucket.catch_up(&tier(60, 1_000), NOON + Span::SECOND);
        assert_eq!(level(&bucket, NOON + Span::SECOND).0, 1);
        // In between, the clock's own progress counts.
        let mut bucket = emptied();
        let behind = NOON - Span::minutes(50);
        bucket.catch_up(&tier(60, 1_000), behind);
        assert_eq!(bucket.charge(1, behind), Err(Duration::from_secs(1)));
        bucket.catch_up(&tier(60, 1_000), behind + Span::SECOND);
        assert_eq!((bucket.at, level(&bucket, behind + Span::SECOND).0), (NOON + Span::SECOND, 1));
        // The same second counts once for both clocks.
        bucket.catch_up(&tier(60, 1_000), NOON + Span::SECOND);
        assert_eq!(level(&bucket, NOON + Span::SECOND).0, 1);
        // Beyond it, counting continues from the clock's time.
        let mut bucket = emptied();
        let behind = NOON - Span::HOUR - Span::NANOSECOND;
        bucket.catch_up(&tier(60, 1_000), behind);
        assert_eq!((bucket.at, bucket.used_today, level(&bucket, behind).0), (behind, 60, 0));
    }

    #[test]
    fn a_bucket_can_be_dropped_when_a_full_one_would_decide_the_same() {
        let mut bucket = bucket(60, 1_000);
        let after = |span: Span| NOON + Span::HOUR + span;
        assert!(!bucket.is_spare(after(Span::ZERO)));
        assert!(bucket.is_spare(after(Span::NANOSECOND)));
        // Used permits of the day keep it until the day has ended for all clocks within the tolerance.
        assert_eq!(bucket.charge(1, NOON), Ok(()));
        assert!(!bucket.is_spare(after(Span::HOUR)));
        assert!(!bucket.is_spare(NOON + Span::hours(13) - Span::NANOSECOND));
        assert!(bucket.is_spare(NOON + Span::hours(13)));
    }
}
