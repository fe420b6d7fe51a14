use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::SqliteError;

/// When a write is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// Within a second. A crash of the machine may undo it, a crash of the process does not.
    Soon,
    /// Before the caller gets its answer.
    AtOnce,
}

/// A call that waits for a connection.
pub(super) trait Job: Send {
    /// Returns the time at which its caller stops waiting.
    fn deadline(&self) -> Instant;

    fn durability(&self) -> Durability;

    /// Returns whether the caller still waits.
    fn is_wanted(&self) -> bool;

    /// Executes the statements, and keeps the outcome. Returns whether it is a success. May be called again after its
    /// transaction was rolled back.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Replaces the outcome by a failure.
    fn fail(&mut self, error: SqliteError);

    /// Sends the outcome to the caller.
    fn answer(self: Box<Self>);
}

pub(super) struct Call<T, F> {
    pub(super) work: F,
    pub(super) deadline: Instant,
    pub(super) durability: Durability,
    pub(super) outcome: Option<Result<T, SqliteError>>,
    pub(super) reply: oneshot::Sender<Result<T, SqliteError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, SqliteError> + Send,
{
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed() && Instant::now() < self.deadline
    }

    fn run(&mut self, connection: &Connection) -> bool {
        // A panic must not end the thread, which all other calls need. What it wrote is rolled back.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(connection)));
        let outcome = outcome.unwrap_or(Err(SqliteError::Panicked));
        let is_success = outcome.is_ok();
        self.outcome = Some(outcome);
        is_success
    }

    fn fail(&mut self, error: SqliteError) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // The caller may have left.
            drop(self.reply.send(outcome));
        }
    }
}
