#![doc = include_str!("../README.md")]

mod binding_repo;
mod events;
mod key_store;
mod key_usage;
mod rate_limiter;
mod shared;
mod state_store;

pub use binding_repo::{BindingRecord, MemoryBindingRepo};
pub use events::MemoryEvents;
pub use key_store::MemoryKeyStore;
pub use key_usage::MemoryKeyUsage;
pub use rate_limiter::MemoryRateLimiter;
pub use state_store::MemoryStateStore;
