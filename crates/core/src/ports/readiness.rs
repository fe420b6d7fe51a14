use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;

/// Reports whether this node should receive requests.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Readiness: Debug + Send + Sync + 'static {
    /// Returns the state of everything that requests need. The node is ready if no check fails.
    ///
    /// The probe needs no key, so this SHOULD answer from memory, without a call to a store or to GitHub. The node counts as
    /// not ready after five seconds without an answer. A dropped future MUST leave nothing behind.
    async fn checks(&self) -> Vec<Check>;
}

forward!(Readiness {
    async fn checks(&self) -> Vec<Check>;
});

/// The state of one dependency of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// The name in lower case: `database`, `schema`, `github`, `process`.
    pub name: &'static str,
    /// The cause of a failure: a stable, lower-case word such as `unreachable`. Static, so that it cannot contain a secret
    /// or an address; these belong in the log.
    pub failing: Option<&'static str>,
    /// The time since which the state has not changed.
    pub since: OffsetDateTime,
}
