//! How a budget refills and what it answers: one arithmetic for every limiter, so that all of them agree (I29).

use std::time::Duration;

use time::{OffsetDateTime, UtcOffset};

use crate::model::{Budget, BudgetClass, Tier};

/// One permit. A bucket of `limit` permits a minute gains `limit` of these units every nanosecond, so that no
/// division rounds and the level does not depend on how often somebody looked.
pub const PERMIT: u128 = 60_000_000_000;

/// A clock that is behind by up to this is waited for: callers whose clocks differ a little cannot make budget out of
/// the difference. One that is behind by more was set right, and counting goes on from where it now stands, so that a
/// moment in a far future blocks nobody for years.
pub const WAITED_FOR: time::Duration = time::Duration::HOUR;

/// What stands for "never": the question is larger than the whole budget.
pub const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// One key's budget in one class.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Which budget.
    pub class: BudgetClass,
    /// Permits of a minute; also the most that it holds.
    pub limit: u32,
    /// Permits of a UTC day, where it has a cap.
    pub daily: Option<u32>,
    /// What is there, in units of which a [`PERMIT`] has sixty thousand million.
    pub level: u128,
    /// Permits charged within the UTC day of `at`, where the day has a cap.
    pub used_today: u32,
    /// Up to when the level was counted, in UTC.
    pub at: OffsetDateTime,
}

impl Bucket {
    /// The bucket of a key that nobody has asked about.
    #[must_use]
    pub fn full(class: BudgetClass, tier: &Tier, now: OffsetDateTime) -> Self {
        let (limit, daily) = (tier.per_minute(class), tier.per_day(class));
        let at = in_utc(now);
        Self { class, limit, daily, level: capacity(limit), used_today: 0, at }
    }

    /// Counts up to `now` and takes the tier over. A smaller tier cuts the level, a larger one fills it faster.
    pub fn catch_up(&mut self, tier: &Tier, now: OffsetDateTime) {
        self.limit = tier.per_minute(self.class);
        self.daily = tier.per_day(self.class);
        let now = in_utc(now);
        if now >= self.at {
            if now.date() > self.at.date() {
                self.used_today = 0;
            }
            self.level = self.level_at(now);
            self.at = now;
        } else if self.at - now > WAITED_FOR {
            // I27: the time is set back, the level and the day's count stay.
            self.at = now;
        }
        self.level = self.level.min(capacity(self.limit));
    }

    /// Charges `permits`.
    ///
    /// # Errors
    /// After how long they would be there, where they are not; nothing is charged then.
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

    /// Where the key stands.
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

    /// Whether a fresh bucket would be no different, now and for any clock that is waited for.
    #[must_use]
    pub fn is_spare(&self, now: OffsetDateTime) -> bool {
        let now = in_utc(now);
        now - self.at > WAITED_FOR
            && self.level_at(now) == capacity(self.limit)
            && (self.used_today == 0 || (now - WAITED_FOR).date() > self.at.date())
    }

    /// After how long `permits` would be there; zero where they are, [`NEVER`] where they are more than the whole budget.
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
                until(self.at, now).saturating_add(refill)
            }
        }
    }

    fn until_tomorrow(&self, now: OffsetDateTime) -> Duration {
        let tomorrow = self.at.date().next_day().map(|day| day.midnight().assume_utc());
        tomorrow.map_or(NEVER, |tomorrow| until(tomorrow, now))
    }
}

/// What a full bucket holds.
#[must_use]
pub fn capacity(limit: u32) -> u128 {
    u128::from(limit) * PERMIT
}

fn until(then: OffsetDateTime, now: OffsetDateTime) -> Duration {
    Duration::try_from(then - now).unwrap_or(Duration::ZERO)
}

/// The same moment in UTC, by whose days is counted.
#[must_use]
pub fn in_utc(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time)
}
