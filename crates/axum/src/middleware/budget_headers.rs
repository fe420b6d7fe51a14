//! The rate-limit headers of a response.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dockline::Budget;
use http::{HeaderMap, HeaderName, HeaderValue};

const CLASS: HeaderName = HeaderName::from_static("x-ratelimit-endpoint-class");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The budget of an authenticated request. Shared, so that [`envelope`](super::envelope) can write it even if the handler
/// panics or exceeds its deadline.
#[derive(Debug, Clone, Default)]
pub(crate) struct BudgetLevel(Arc<OnceLock<Budget>>);

impl BudgetLevel {
    /// Stores the budget of the request, once.
    pub(crate) fn set(&self, budget: Budget) {
        let _ = self.0.set(budget);
    }

    /// Writes the headers, if the request has a budget.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(budget) = self.0.get() {
            write(budget, headers);
        }
    }
}

/// Writes the four headers.
pub(crate) fn write(budget: &Budget, headers: &mut HeaderMap) {
    headers.insert(CLASS, HeaderValue::from_static(budget.class.as_str()));
    headers.insert(LIMIT, budget.limit.into());
    headers.insert(REMAINING, budget.remaining.into());
    headers.insert(RESET, whole_seconds(budget.reset_after).into());
}

/// Returns the seconds, rounded up, so that a caller who waits this long has waited long enough.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
