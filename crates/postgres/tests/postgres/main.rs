//! The adapter against a real PostgreSQL, which `DATABASE_URL` names: `cargo xtask test` sees to that.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod census;
mod conformance;
mod failures;
mod fixtures;
mod fresh;
mod housekeeping;
mod keys;
mod migrated;
mod plans;
mod pooler;
mod races;
mod rotation;
mod round_trips;
mod stored;
mod tls;
mod usage;
mod waiting;
mod wire;
