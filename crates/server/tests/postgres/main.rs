//! The program as processes, on a real PostgreSQL and a simulated GitHub.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod api;
mod budgets;
mod canary;
mod commands;
mod crashes;
mod doctor;
mod exposition;
mod health;
#[path = "../support/http_client.rs"]
mod http_client;
mod keys;
mod lifecycle;
mod limits;
mod metrics;
#[path = "../canary/needles.rs"]
mod needles;
mod nodes;
#[cfg(feature = "otel")]
mod otel;
mod schema;
mod server;
mod shutdown;
mod signer;
mod statements;
mod uninstalls;
