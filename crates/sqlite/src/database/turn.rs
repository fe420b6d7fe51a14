//! The order in which processes write.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::files;

/// The longest wait for the turn. A process that was stopped while it had the turn must not keep the others from writing.
const PATIENCE: Duration = Duration::from_millis(100);

/// The time between two attempts to take a lock.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// A lock that a process has while it waits for SQLite's own. SQLite knows no order: a server that always writes takes its lock
/// again before the others, which pause between attempts, find it free.
#[derive(Debug)]
pub(super) struct Turn(File);

impl Turn {
    /// Opens the lock beside the file at `database`, and creates it if it does not exist.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        files::open_lock(database, "-turn").map(Self)
    }

    /// Waits for the turn, at most until `until`. `None` means that the caller goes on without an order.
    pub(super) fn wait(&self, until: Instant) -> Option<Taken<'_>> {
        let until = until.min(Instant::now() + PATIENCE);
        loop {
            match self.0.try_lock() {
                Ok(()) => return Some(Taken(&self.0)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(PAUSE),
                Err(_) => return None,
            }
        }
    }
}

/// The turn until it is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a>(&'a File);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // Fails only if the descriptor is not valid.
        drop(self.0.unlock());
    }
}
