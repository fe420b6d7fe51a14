use dockline::OutboxMessage;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Calls of the outbox at a time. It bounds connections, and bodies that are read before their size is known.
const CALLS: usize = 4;

/// Large bodies that are held at a time, of first attempts and of retries.
const LARGE_BODIES: (usize, usize) = (3, 1);

/// The size above which a body is large.
pub(super) const SMALL_BODY: usize = 128 << 10;

/// The resources that queues share: places for attempts and for memory.
///
/// Messages that failed before have separate places. So queues that always fail delay the others only by the first
/// attempt of each message.
#[derive(Debug)]
pub(super) struct Lanes {
    first_attempts: Lane,
    retries: Lane,
    calls: Semaphore,
}

/// The places of first attempts, or of retries.
#[derive(Debug)]
pub(super) struct Lane {
    attempts: Semaphore,
    large_bodies: Semaphore,
}

impl Lanes {
    pub(super) fn new(concurrency: usize) -> Self {
        let lane = |attempts, large_bodies| Lane {
            attempts: Semaphore::new(attempts),
            large_bodies: Semaphore::new(large_bodies),
        };
        let (first, retries) = LARGE_BODIES;
        Self {
            first_attempts: lane(concurrency, first),
            retries: lane((concurrency / 4).max(1), retries),
            calls: Semaphore::new(CALLS),
        }
    }

    /// Returns the lane of a message.
    pub(super) const fn of(&self, message: &OutboxMessage) -> &Lane {
        if message.entry.failures.attempts > 0 { &self.retries } else { &self.first_attempts }
    }

    /// Waits for a place for a call of the outbox.
    pub(super) async fn call(&self) -> Place<'_> {
        take(&self.calls).await
    }
}

impl Lane {
    /// Waits for a place for an attempt.
    pub(super) async fn attempt(&self) -> Place<'_> {
        take(&self.attempts).await
    }

    /// Waits for a place for a large body.
    pub(super) async fn large_body(&self) -> Place<'_> {
        take(&self.large_bodies).await
    }

    /// Returns a place for a large body if one is free.
    pub(super) fn free_large_body(&self) -> Option<Place<'_>> {
        self.large_bodies.try_acquire().ok().map(|permit| Place { _permit: Some(permit) })
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// `None` if the semaphore is closed, which it never is.
    _permit: Option<SemaphorePermit<'a>>,
}

async fn take(places: &Semaphore) -> Place<'_> {
    Place { _permit: places.acquire().await.ok() }
}
