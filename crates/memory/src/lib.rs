#![doc = include_str!("../README.md")]

mod binding_repo;
mod events;
mod key_store;
mod rate_limiter;
mod shared;
mod state_store;

pub use binding_repo::{BindingRecord, MemoryBindingRepo};
pub use events::MemoryEvents;
pub use key_store::MemoryKeyStore;
pub use rate_limiter::MemoryRateLimiter;
pub use state_store::MemoryStateStore;
