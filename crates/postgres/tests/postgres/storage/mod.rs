//! What is stored: the ports and what goes beyond them.

mod admission;
mod apps;
mod binding_batches;
mod binding_counts;
mod binding_races;
mod conformance;
mod failures;
mod housekeeping;
mod key_store;
mod key_usage;
mod observation_races;
mod outbox;
mod query_plans;
mod rate_limiter;
mod redeliveries;
mod state_races;
mod tombstones;
mod transfer;
mod two_apps;
