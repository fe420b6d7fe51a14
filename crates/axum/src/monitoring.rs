//! The text of `/metrics`.

use std::fmt::Debug;

/// Gives what the process counts, for `GET /metrics`.
pub trait Exposition: Debug + Send + Sync + 'static {
    /// All of it in Prometheus' text format 0.0.4. Anybody may ask: MUST hold no secret and nothing about single
    /// organizations. Does not block.
    fn render(&self) -> String;
}
