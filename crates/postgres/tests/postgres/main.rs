//! Tests of the adapters on the PostgreSQL in `DATABASE_URL`; `cargo xtask test` starts one.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod apps;
mod binding_counts;
mod binding_races;
mod cluster;
mod column_values;
mod conformance;
mod errors;
mod failover;
mod fixtures;
mod housekeeping;
mod key_store;
mod key_usage;
mod pgbouncer;
mod poolers;
mod probe;
mod proxy;
mod query_plans;
mod rate_limiter;
mod round_trips;
mod stalls;
mod state_races;
mod test_database;
mod test_schema;
mod tls;
mod two_apps;
