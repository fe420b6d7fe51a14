//! The program as processes, on a SQLite file and a simulated GitHub.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[path = "../postgres/api.rs"]
#[expect(dead_code, reason = "the tests of PostgreSQL use more of it")]
mod api;
mod backup;
mod commands;
mod crashes;
mod forwarding;
#[path = "../support/http_client.rs"]
mod http_client;
mod places;
mod refusals;
mod scene;
mod start;
