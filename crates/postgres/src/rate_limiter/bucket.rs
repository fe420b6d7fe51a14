use std::time::Duration;

use dockline::ports::Take;
use dockline::{Budget, BudgetClass};
use time::{OffsetDateTime, UtcOffset};

/// One permit. A bucket of `limit` permits a minute gains `limit` of these units every nanosecond, so that no
/// division rounds and the level does not depend on how often somebody looked.
pub(super) const PERMIT: u128 = 60_000_000_000;

/// What stands for "never": the question is larger than the whole budget.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// One key's budget in one class, after a question: what the row says, and what follows for the answer.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) class: BudgetClass,
    pub(super) limit: u32,
    pub(super) daily: Option<u32>,
    pub(super) level: u128,
    /// Counted within the UTC day of `at`, where the day has a cap.
    pub(super) used_today: u32,
    /// Up to when the level was counted, in UTC.
    pub(super) at: OffsetDateTime,
}

impl Bucket {
    /// The bucket of a key that nobody has asked about.
    pub(super) fn full(take: &Take) -> Self {
        let limit = take.tier.per_minute(take.class);
        Self {
            class: take.class,
            limit,
            daily: take.tier.per_day(take.class),
            level: capacity(limit),
            used_today: 0,
            at: in_utc(take.now),
        }
    }

    pub(super) fn budget(&self, now: OffsetDateTime) -> Budget {
        let permits = u32::try_from(self.level / PERMIT).unwrap_or(u32::MAX);
        let today = self.left_today();
        let mut reset_after = self.until_level(capacity(self.limit), now);
        if self.daily.is_some_and(|daily| today < daily.min(self.limit)) {
            reset_after = reset_after.max(self.until_tomorrow(now));
        }
        Budget { class: self.class, limit: self.limit, remaining: permits.min(today), reset_after }
    }

    /// After how long `permits` would be there; zero where they are.
    pub(super) fn wait_for(&self, permits: u32, now: OffsetDateTime) -> Duration {
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

pub(super) fn capacity(limit: u32) -> u128 {
    u128::from(limit) * PERMIT
}

fn until(then: OffsetDateTime, now: OffsetDateTime) -> Duration {
    Duration::try_from(then - now).unwrap_or(Duration::ZERO)
}

pub(super) fn in_utc(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time)
}
