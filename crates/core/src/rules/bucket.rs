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
    /// The correction of a clock that is further behind than [`CATCH_UP`]; zero until there was one.
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

    /// Returns whether [`Bucket::catch_up`] corrected the clock of the bucket `before`, or cut its level to a smaller
    /// tier. The result has to be stored even if nothing is charged: otherwise the bucket would wait for its time in
    /// the future, or a larger tier would restore the level.
    #[must_use]
    pub fn was_corrected(&self, before: &Self) -> bool {
        self.at < before.at || self.lag != before.lag || before.level > capacity(self.limit)
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
mod tests;
