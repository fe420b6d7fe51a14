//! The adapters in memory.

mod conformance;
mod events;
mod history;
mod key_store;
mod ports;
mod purge;
mod rate_limiter;
mod received;
mod sequences;
