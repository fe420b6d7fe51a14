//! The hourly rate limits: requests are counted per caller, and rejected if a limit is set.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

const HOUR: Duration = Duration::hours(1);
/// GitHub's lowest limit for an installation. The limit of requests with an App's JWT is not documented.
const DEFAULT_LIMIT: u32 = 5000;

/// A caller of the REST API, by its credential. Each has its own hourly limit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RateLimitCaller {
    /// The requests with an App's JWT, by App id.
    App(u64),
    /// The requests with any token of an installation, by installation id.
    Installation(u64),
    /// The requests with any token of a user, by account id.
    User(u64),
}

impl fmt::Display for RateLimitCaller {
    /// Writes the caller as in GitHub's messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(id) => write!(f, "app ID {id}"),
            Self::Installation(id) => write!(f, "installation ID {id}"),
            Self::User(id) => write!(f, "user ID {id}"),
        }
    }
}

/// A caller's rate limit after a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RateLimitStatus {
    pub(crate) limit: u32,
    pub(crate) used: u32,
    /// Unix time of the end of the window.
    pub(crate) reset: i64,
    /// Whether the request is over the limit. It is not counted then.
    pub(crate) exceeded: bool,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: OffsetDateTime,
    used: u32,
}

impl Window {
    fn contains(self, now: OffsetDateTime) -> bool {
        self.start <= now && now < self.start + HOUR
    }
}

#[derive(Debug, Default)]
pub(crate) struct RateLimits {
    limits: HashMap<RateLimitCaller, u32>,
    /// `None` counts requests without a valid credential.
    windows: HashMap<Option<RateLimitCaller>, Window>,
}

impl RateLimits {
    /// `None` removes the limit.
    pub(crate) fn set(&mut self, caller: RateLimitCaller, limit: Option<u32>) {
        match limit {
            Some(limit) => self.limits.insert(caller, limit),
            None => self.limits.remove(&caller),
        };
    }

    /// Counts a request unless it is over the limit. A window starts with the first request after the previous window.
    pub(crate) fn count(&mut self, caller: Option<RateLimitCaller>, now: OffsetDateTime) -> RateLimitStatus {
        let enforced = caller.and_then(|caller| self.limits.get(&caller)).copied();
        let fresh = Window { start: now, used: 0 };
        let window = self.windows.entry(caller).or_insert(fresh);
        if !window.contains(now) {
            *window = fresh;
        }
        let exceeded = enforced.is_some_and(|limit| window.used >= limit);
        if !exceeded {
            window.used = window.used.saturating_add(1);
        }
        RateLimitStatus { exceeded, ..self.status(caller, now) }
    }

    /// Returns the caller's status without counting a request.
    pub(crate) fn status(&self, caller: Option<RateLimitCaller>, now: OffsetDateTime) -> RateLimitStatus {
        let limit = caller.and_then(|caller| self.limits.get(&caller)).copied().unwrap_or(DEFAULT_LIMIT);
        let current = self.windows.get(&caller).copied().filter(|window| window.contains(now));
        let Window { start, used } = current.unwrap_or(Window { start: now, used: 0 });
        RateLimitStatus { limit, used, reset: (start + HOUR).unix_timestamp(), exceeded: false }
    }

    /// Takes a counted request back and returns the new status.
    pub(crate) fn uncount(
        &mut self,
        caller: Option<RateLimitCaller>,
        status: RateLimitStatus,
    ) -> RateLimitStatus {
        if let Some(window) = self.windows.get_mut(&caller) {
            window.used = window.used.saturating_sub(1);
        }
        RateLimitStatus { used: status.used.saturating_sub(1), ..status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn window_lasts_an_hour_and_rejected_requests_do_not_count() {
        let start = datetime!(2026-01-01 12:00 UTC);
        let (app, other) = (Some(RateLimitCaller::App(1)), Some(RateLimitCaller::Installation(1)));
        let mut limits = RateLimits::default();
        limits.set(RateLimitCaller::App(1), Some(2));
        let exceeded = [0, 1, 2, 3599, 3600, 3601].map(|s| limits.count(app, start + Duration::seconds(s)));
        assert_eq!(exceeded.map(|s| s.exceeded), [false, false, true, true, false, false]);
        assert_eq!(exceeded.map(|s| s.used), [1, 2, 2, 2, 1, 2]);
        assert_eq!(exceeded.map(|s| s.reset - start.unix_timestamp()), [3600, 3600, 3600, 3600, 7200, 7200]);
        assert_eq!(limits.count(other, start).used, 1);
        limits.set(RateLimitCaller::App(1), None);
        assert!(!limits.count(app, start + Duration::seconds(3602)).exceeded);
    }

    #[test]
    fn clock_moved_back_starts_a_new_window() {
        let start = datetime!(2026-01-01 12:00 UTC);
        let mut limits = RateLimits::default();
        limits.count(None, start);
        let status = limits.count(None, start - Duration::seconds(1));
        assert_eq!((status.used, status.reset), (1, start.unix_timestamp() + 3599));
    }
}
