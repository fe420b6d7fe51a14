//! `dockline serve`, `migrate` and `keys` as processes, on a real PostgreSQL and a simulated GitHub.
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
mod ending;
mod exposition;
mod hammering;
mod health;
#[path = "../support/http_client.rs"]
mod http_client;
mod keys;
mod life;
mod metrics;
#[path = "../canary/needles.rs"]
mod needles;
mod nodes;
#[cfg(feature = "otel")]
mod otel;
mod schema;
mod server;
mod signer;
mod statements;
mod uninstalls;
