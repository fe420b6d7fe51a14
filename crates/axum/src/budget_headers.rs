//! What an answer says about the key's budget.

use std::time::Duration;

use dockline::Budget;
use http::{HeaderMap, HeaderValue};

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
