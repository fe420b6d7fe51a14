use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{self, Expiry};
use super::error::OpenError;
use super::files;
use super::locks::{ServerLock, Turn};
use super::open_files::OpenFile;
use super::remote::is_remote;
use super::writer::Writer;
use super::{Connections, Inner, SqliteDatabase, reader};
use crate::{migrations, transfer};

/// The default time within which each call ends.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// The number of calls that may wait for the writing connection, and for the reading ones. Further ones fail at once.
const MOST_WAITING: usize = 1_024;

const DEFAULT_READERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// How a file is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) deadline: Duration,
    readers: NonZeroUsize,
    is_server: bool,
    pub(super) is_checked: bool,
    is_new: bool,
    most_pages: Option<u32>,
}

/// Shows no path, which may name a customer or a user.
impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("deadline", &self.deadline)
            .field("readers", &self.readers)
            .field("is_server", &self.is_server)
            .field("is_checked", &self.is_checked)
            .field("most_pages", &self.most_pages)
            .finish_non_exhaustive()
    }
}

impl SqliteOptions {
    /// Opens the file at `path`, or creates it.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            deadline: DEFAULT_DEADLINE,
            readers: DEFAULT_READERS,
            is_server: false,
            is_checked: true,
            is_new: true,
            most_pages: None,
        }
    }

    /// Sets the time within which each call ends, at most an hour; [`DEFAULT_DEADLINE`] if it is not set.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = at_most_an_hour(deadline);
        self
    }

    /// Sets the number of reading connections, each with a thread; 4 if it is not set.
    #[must_use]
    pub const fn with_readers(mut self, readers: NonZeroUsize) -> Self {
        self.readers = readers;
        self
    }

    /// Takes the lock of a server (`PATH-lock`), which one process has at a time. Commands work beside a server, and take none.
    #[must_use]
    pub const fn as_server(mut self) -> Self {
        self.is_server = true;
        self
    }

    /// Leaves out the check of the file, which reads all of it: for short commands beside a server that has checked it.
    #[must_use]
    pub const fn without_check(mut self) -> Self {
        self.is_checked = false;
        self
    }

    /// Opens the file for a command beside a server: neither creates it nor applies migrations, and leaves out the check.
    #[must_use]
    pub const fn as_command(mut self) -> Self {
        self.is_new = false;
        self.is_checked = false;
        self
    }

    /// Bounds the size of the file, in pages of 4 KiB. Writes beyond it fail as on a full disk.
    #[must_use]
    pub const fn with_most_pages(mut self, pages: u32) -> Self {
        self.most_pages = Some(pages);
        self
    }

    /// Opens the file, checks it and applies missing migrations, in a thread of its own.
    ///
    /// # Errors
    /// See [`OpenError`]. The call may be repeated.
    pub async fn open(self) -> Result<SqliteDatabase, OpenError> {
        let (write, written) = sync_channel(MOST_WAITING);
        let (read, waiting) = sync_channel(MOST_WAITING);
        let (ready, opened) = oneshot::channel();
        let (is_open, connections) = sync_channel(0);
        let (deadline, path) = (self.deadline, self.path.clone());
        let spawned = thread::Builder::new().name("sqlite-writer".into()).spawn(move || {
            let (is_reading, reading) = sync_channel(0);
            match self.prepare(&Arc::new(Mutex::new(waiting)), is_reading) {
                Ok((mut writer, file, lock)) => {
                    if ready.send(Ok((file.path().to_owned(), lock))).is_ok() {
                        writer.run(&written);
                    }
                    // Of connections that are closed at the same time, each may find another one open, and none writes the log
                    // into the file.
                    let _: Result<Infallible, _> = reading.recv();
                    drop(writer);
                    drop(file);
                }
                // The caller may have left.
                Err(error) => drop(ready.send(Err(error))),
            }
            drop(is_open);
        });
        spawned.map_err(OpenError::Io)?;
        let ended = || OpenError::Failed("the thread that opens it ended".into());
        let (file, lock) = opened.await.map_err(|_| ended())??;
        let identity = files::identity(&path).map_err(OpenError::Io)?;
        let connections = Connections(Mutex::new(connections));
        let inner = Inner { write, read, _connections: connections, path, file, identity, _lock: lock };
        Ok(SqliteDatabase { inner: Arc::new(inner), deadline })
    }

    /// Opens all connections, and starts the reading ones, each with a clone of `is_reading`.
    fn prepare(
        &self,
        waiting: &reader::Waiting,
        is_reading: SyncSender<Infallible>,
    ) -> Result<(Writer, OpenFile, Option<ServerLock>), OpenError> {
        let file = files::resolve(&self.path)?;
        let path = file.path();
        let (connection, expiry, lock) = self.open_writer(path)?;
        let turn = Turn::open(path).map_err(OpenError::Io)?;
        for _ in 0..self.readers.get() {
            let reader = connection::open(path, self.deadline).and_then(|(connection, expiry)| {
                connection::prepare_reader(&connection).map(|()| (connection, expiry))
            });
            let (connection, expiry) = reader.map_err(|error| OpenError::of(&error, self.deadline))?;
            let (waiting, is_reading) = (Arc::clone(waiting), is_reading.clone());
            let read = move || {
                reader::run(&connection, &expiry, &waiting);
                drop(connection);
                drop(is_reading);
            };
            thread::Builder::new().name("sqlite-reader".into()).spawn(read).map_err(OpenError::Io)?;
        }
        // The writer waits itself, in turn.
        connection.busy_timeout(Duration::ZERO).map_err(|error| OpenError::of(&error, self.deadline))?;
        Ok((Writer::new(connection, expiry, turn), file, lock))
    }

    fn open_writer(&self, path: &Path) -> Result<(Connection, Expiry, Option<ServerLock>), OpenError> {
        let failed = |error: rusqlite::Error| OpenError::of(&error, self.deadline);
        if self.is_new {
            files::create_if_missing(path)?;
        } else if !path.try_exists().map_err(OpenError::Io)? {
            return Err(OpenError::Missing);
        }
        if is_remote(path).map_err(OpenError::Io)? {
            return Err(OpenError::Remote);
        }
        let (mut connection, expiry) = connection::open(path, self.deadline).map_err(failed)?;
        // Before anything is changed.
        connection::check_writable(&connection)?;
        migrations::check_file(&connection, self.deadline)?;
        transfer::check_not_sealed(&connection, self.deadline)?;
        if !self.is_new {
            migrations::check(&connection, self.deadline)?;
        }
        files::secure(path)?;
        let lock = self.is_server.then(|| ServerLock::take(path)).transpose()?;
        if self.is_checked {
            check(&connection).map_err(failed)?.map_or(Ok(()), |damage| Err(OpenError::Damaged(damage)))?;
        }
        let mode = connection::start_log(&connection, self.deadline).map_err(failed)?;
        if mode != "wal" {
            return Err(OpenError::NoLog(mode));
        }
        connection::prepare_writer(&connection).map_err(failed)?;
        if self.is_server {
            // Without rights for the log, SQLite reads and does not write. A command need not wait for a server to find that out.
            connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(failed)?;
        }
        migrations::run(&mut connection, self.deadline)?;
        if let Some(pages) = self.most_pages {
            let set = connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
            set.map_err(failed)?;
        }
        Ok((connection, expiry, lock))
    }
}

/// Bounds a deadline, since neither the clock nor SQLite can add any time.
pub(super) const fn at_most_an_hour(deadline: Duration) -> Duration {
    const HOUR: Duration = Duration::from_secs(3_600);
    if deadline.as_secs() < HOUR.as_secs() { deadline } else { HOUR }
}

/// Returns the first damage that SQLite's quick check finds.
pub(crate) fn check(connection: &Connection) -> Result<Option<String>, rusqlite::Error> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}
