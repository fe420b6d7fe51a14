//! What is stored: the ports and what goes beyond them.

mod administration;
mod admission;
mod apps;
mod conformance;
mod failures;
mod housekeeping;
mod key_usage;
mod keys;
mod outbox;
mod query_plans;
mod races;
mod rate_limiter;
mod transfer;
mod two_apps;
