//! The worker through its public API, on a paused clock, with scripted ports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod forwarder;
mod github;
mod readiness;
mod redelivery;
mod refresher;
mod scene;
mod shutdown;
mod supervision;
mod sweep;
