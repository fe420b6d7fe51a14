//! `dockline serve`, `migrate` and `keys` as processes, on a real PostgreSQL and a simulated GitHub.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod api;
mod commands;
mod crashes;
mod ending;
mod health;
mod life;
mod nodes;
mod schema;
mod server;
mod statements;
mod uninstalls;
