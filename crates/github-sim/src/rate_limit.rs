//! The hourly limit: counted for each caller, and enforced where a test sets one.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

const HOUR: Duration = Duration::hours(1);
/// GitHub fact 41: the least that an installation has. What an App has with its JWT is not documented.
const USUAL: u32 = 5000;

/// Who has an hourly limit of their own.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RateLimited {
    /// An App, by its id: what it asks with its JWT.
    App(u64),
    /// An installation, by its id: all its tokens together.
    Installation(u64),
}

/// How a caller stands after a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) used: u32,
    /// Epoch seconds.
    pub(crate) reset: i64,
    /// The request was one too many, and was not counted.
    pub(crate) exceeded: bool,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begun: OffsetDateTime,
    used: u32,
}

#[derive(Debug, Default)]
pub(crate) struct RateLimits {
    limits: HashMap<RateLimited, u32>,
    /// None: everybody else.
    windows: HashMap<Option<RateLimited>, Window>,
}

impl RateLimits {
    /// None: counted, not enforced.
    pub(crate) fn set(&mut self, caller: RateLimited, limit: Option<u32>) {
        match limit {
            Some(limit) => self.limits.insert(caller, limit),
            None => self.limits.remove(&caller),
        };
    }

    /// Counts a request, unless it is one too many. A window begins with the first request after the last one ended.
    pub(crate) fn count(&mut self, caller: Option<RateLimited>, now: OffsetDateTime) -> Standing {
        let enforced = caller.and_then(|caller| self.limits.get(&caller)).copied();
        let fresh = Window { begun: now, used: 0 };
        let window = self.windows.entry(caller).or_insert(fresh);
        if now < window.begun || now >= window.begun + HOUR {
            *window = fresh;
        }
        let exceeded = enforced.is_some_and(|limit| window.used >= limit);
        if !exceeded {
            window.used = window.used.saturating_add(1);
        }
        let limit = enforced.unwrap_or(USUAL);
        let reset = (window.begun + HOUR).unix_timestamp();
        Standing { limit, used: window.used, reset, exceeded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_window_is_an_hour_and_a_refused_request_does_not_count() {
        let start = datetime!(2026-01-01 12:00 UTC);
        let (app, other) = (Some(RateLimited::App(1)), Some(RateLimited::Installation(1)));
        let mut limits = RateLimits::default();
        limits.set(RateLimited::App(1), Some(2));
        let exceeded = [0, 1, 2, 3599, 3600, 3601].map(|s| limits.count(app, start + Duration::seconds(s)));
        assert_eq!(exceeded.map(|s| s.exceeded), [false, false, true, true, false, false]);
        assert_eq!(exceeded.map(|s| s.used), [1, 2, 2, 2, 1, 2]);
        assert_eq!(exceeded.map(|s| s.reset - start.unix_timestamp()), [3600, 3600, 3600, 3600, 7200, 7200]);
        assert_eq!(limits.count(other, start).used, 1);
        limits.set(RateLimited::App(1), None);
        assert!(!limits.count(app, start + Duration::seconds(3602)).exceeded);
    }

    #[test]
    fn a_clock_that_goes_back_begins_a_new_window() {
        let start = datetime!(2026-01-01 12:00 UTC);
        let mut limits = RateLimits::default();
        limits.count(None, start);
        let standing = limits.count(None, start - Duration::seconds(1));
        assert_eq!((standing.used, standing.reset), (1, start.unix_timestamp() + 3599));
    }
}
