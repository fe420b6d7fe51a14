//! The ports, and what the adapters offer beyond them.

mod administration;
mod apps;
mod conformance;
mod failures;
mod housekeeping;
mod keys;
mod outbox;
mod two_apps;
