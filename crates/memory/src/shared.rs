use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the clones of one adapter have in common. No method of a port awaits anything, so the lock is never held
/// over an await, and a dropped future has either its whole effect or none.
#[derive(Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        // A thread that panicked elsewhere must not take the others' store away.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
