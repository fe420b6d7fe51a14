//! What a host brings to have itself watched: whether it is ready, and what it counts.

use std::fmt::Debug;

use async_trait::async_trait;
use time::OffsetDateTime;

/// Says whether this node should be sent requests.
#[async_trait]
pub trait Readiness: Debug + Send + Sync + 'static {
    /// How everything stands that requests need; ready is who has no check that fails. Anybody may ask, as often as they
    /// like: SHOULD answer from what is known already, and within five seconds, after which the node counts as not ready.
    /// A future that is dropped leaves nothing behind.
    async fn checks(&self) -> Vec<Check>;
}

/// One thing that requests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// What it is, in lower case: `database`, `schema`, `github`, `process`.
    pub name: &'static str,
    /// Why it fails, by a stable name in lower case such as `unreachable`; `None` where it does not. Static text, so that
    /// it can hold no secret and no address; those are for the log.
    pub failing: Option<&'static str>,
    /// Since when it stands so: the first time that it was seen so without a break.
    pub since: OffsetDateTime,
}

/// Gives what the process counts, for `GET /metrics`.
pub trait Exposition: Debug + Send + Sync + 'static {
    /// All of it in Prometheus' text format 0.0.4. Anybody may ask: MUST hold no secret and nothing about single
    /// organizations. Does not block.
    fn render(&self) -> String;
}
