//! Tests of the adapters on the PostgreSQL in `DATABASE_URL`; `cargo xtask test` starts one.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod cluster;
mod connection;
mod fixtures;
mod pgbouncer;
mod proxy;
mod storage;
mod test_database;
mod test_schema;
