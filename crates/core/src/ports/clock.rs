use std::fmt::Debug;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use super::forward;
use time::{Duration, OffsetDateTime};

/// Tells the time.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the current time in UTC. It may go backwards: only decisions about expiry depend on it.
    fn now(&self) -> OffsetDateTime;
}

forward!(Clock {
} {
    fn now(&self) -> OffsetDateTime;
});

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A clock for tests, which stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    /// Creates a clock that shows `start`.
    #[must_use]
    pub const fn starting_at(start: OffsetDateTime) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves the clock. A negative duration moves it back.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
