//! The ports, and what the adapters offer beyond them.

mod apps;
mod binding_counts;
mod conformance;
mod failures;
mod housekeeping;
mod key_store;
mod outbox;
mod tombstones;
mod two_apps;
mod two_handles;
