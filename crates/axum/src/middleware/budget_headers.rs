//! What an answer says about the key's budget.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dockline::Budget;
use http::{HeaderMap, HeaderValue};

/// Where a request's caller stands, once it was let in: known to [`crate::envelope::seal`] also where the answer is not the
/// handler's, since it panicked or took too long.
#[derive(Debug, Clone, Default)]
pub(crate) struct BudgetLevel(Arc<OnceLock<Budget>>);

impl BudgetLevel {
    /// Takes note of the budget, once.
    pub(crate) fn set(&self, budget: Budget) {
        let _ = self.0.set(budget);
    }

    /// Writes what was noted, if anything was.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Some(budget) = self.0.get() {
            write(budget, headers);
        }
    }
}

/// The budget's four headers (`contract.md` §2).
pub(crate) fn write(budget: &Budget, headers: &mut HeaderMap) {
    headers.insert("x-ratelimit-endpoint-class", HeaderValue::from_static(budget.class.as_str()));
    headers.insert("x-ratelimit-limit", budget.limit.into());
    headers.insert("x-ratelimit-remaining", budget.remaining.into());
    headers.insert("x-ratelimit-reset", whole_seconds(budget.reset_after).into());
}

/// Rounded up: a caller that waits this long has waited long enough.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
