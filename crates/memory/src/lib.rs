#![doc = include_str!("../README.md")]

mod admission;
mod binding_repo;
mod data_subjects;
mod events;
mod keys;
mod outbox;
mod rate_limiter;
mod redelivery_store;
mod state_store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dockline::stored_time;

pub use admission::MemoryAdmission;
pub use binding_repo::{BindingRecord, MemoryBindingRepo, MemoryTombstones};
pub use data_subjects::MemoryDataSubjects;
pub use events::MemoryEvents;
pub use keys::{MemoryKeyStore, MemoryKeyUsage};
pub use outbox::MemoryOutbox;
pub use rate_limiter::MemoryRateLimiter;
pub use redelivery_store::MemoryRedeliveryStore;
pub use state_store::MemoryStateStore;

/// The state that clones of an adapter share. The lock is never held across an await, since no adapter awaits.
#[derive(Default)]
struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        // A panic of another thread must not make the store unusable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
