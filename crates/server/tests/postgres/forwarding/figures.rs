//! The scale of a test, and the figures that it prints.

use std::fmt;
use std::time::Duration;

/// Returns the number in an environment variable, or else the default.
pub(super) fn scale(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |number| number.parse().expect(variable))
}

/// The median, the 99th percentile and the maximum of delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

impl Delays {
    pub(super) fn of(delays: impl IntoIterator<Item = Duration>) -> Self {
        let mut delays: Vec<_> = delays.into_iter().collect();
        delays.sort_unstable();
        let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p99, max } = self;
        write!(f, "p50 {p50:.1?}, p99 {p99:.1?}, max {max:.1?}")
    }
}
