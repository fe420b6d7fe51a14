mod app_database;
mod backup;
pub(crate) mod connection;
mod error;
pub(crate) mod files;
mod inspect;
mod job;
pub(crate) mod locks;
pub(crate) mod open_files;
pub(crate) mod options;
mod reader;
pub(crate) mod remote;
#[cfg(test)]
mod tests;
mod writer;

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::job::{Call, Durability, Job};
use self::locks::ServerLock;
use crate::error::SqliteError;

pub use app_database::{AppDatabase, AppNumber};
pub use backup::BackupError;
pub use error::OpenError;
pub use inspect::{CheckError, FileFacts};
pub use locks::ServerProcess;
pub use options::{DEFAULT_DEADLINE, SqliteOptions};

/// The longest wait for the connections to be closed.
const CLOSING: Duration = Duration::from_secs(2);

/// Waits until the threads have closed their connections. The writing one, which is closed last, writes the log into the file, which
/// the end of the process would prevent.
struct Connections(Mutex<Receiver<Infallible>>);

impl Drop for Connections {
    fn drop(&mut self) {
        // Returns when each thread has dropped its sender.
        let threads = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = threads.recv_timeout(CLOSING);
    }
}

/// An open file, from which adapters are made. Clones share its connections: one writes, some read. Dropping the last clone waits
/// up to two seconds until calls under way have ended and the connections are closed. Then the file is complete by itself, unless
/// another process has it open.
#[derive(Clone)]
pub struct SqliteDatabase {
    inner: Arc<Inner>,
    deadline: Duration,
}

/// Dropped in this order: threads end without senders, and the lock ends after their connections.
struct Inner {
    write: SyncSender<Box<dyn Job>>,
    read: SyncSender<Box<dyn Job>>,
    _connections: Connections,
    /// The path that was given, which may be a symbolic link.
    path: PathBuf,
    /// The path of the file itself.
    file: PathBuf,
    identity: files::Identity,
    _lock: Option<ServerLock>,
}

impl SqliteDatabase {
    /// Opens or creates the file at `path` with the default [`SqliteOptions`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: impl Into<PathBuf> + Send) -> Result<Self, OpenError> {
        SqliteOptions::new(path).open().await
    }

    /// Returns a handle whose calls have another deadline, at most an hour.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = options::at_most_an_hour(deadline);
        self
    }

    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Executes `work` on a reading connection, in a transaction.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, SqliteError> + Send + 'static,
    {
        self.submit(&self.inner.read, Durability::Soon, work).await
    }

    /// Executes `work` on the writing connection, in a transaction that is on disk when this returns. May execute it again
    /// after a rollback.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, SqliteError> + Send + 'static,
    {
        self.submit(&self.inner.write, Durability::AtOnce, work).await
    }

    /// [`write`](Self::write), in a transaction that is on disk within a second.
    pub(crate) async fn write_soon<T, F>(&self, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, SqliteError> + Send + 'static,
    {
        self.submit(&self.inner.write, Durability::Soon, work).await
    }

    async fn submit<T, F>(
        &self,
        queue: &SyncSender<Box<dyn Job>>,
        durability: Durability,
        work: F,
    ) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, SqliteError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + self.deadline;
        let call = Box::new(Call { work, deadline, durability, outcome: None, reply });
        queue.try_send(call).map_err(|error| match error {
            TrySendError::Full(_) => SqliteError::Overloaded,
            TrySendError::Disconnected(_) => SqliteError::Closed,
        })?;
        match timeout(self.deadline, answer).await {
            Ok(Ok(Err(error))) if error.is_interruption() => Err(SqliteError::Deadline(self.deadline)),
            Ok(Ok(outcome)) => outcome,
            // A call whose time is over is not executed.
            Ok(Err(_)) if Instant::now() < deadline => Err(SqliteError::Closed),
            Ok(Err(_)) | Err(_) => Err(SqliteError::Deadline(self.deadline)),
        }
    }
}

impl fmt::Debug for SqliteDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDatabase").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
