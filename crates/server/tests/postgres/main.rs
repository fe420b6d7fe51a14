//! The program as processes, on a real PostgreSQL and a simulated GitHub.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod administration;
mod api;
mod cluster;
#[path = "../../../github/tests/it/connect_proxy.rs"]
mod connect_proxy;
mod faults;
mod forwarding;
#[path = "../support/http_client.rs"]
mod http_client;
mod moving;
#[path = "../canary/needles.rs"]
mod needles;
mod operations;
mod requests;
mod schema;
mod server;
