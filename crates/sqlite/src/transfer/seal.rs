use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dockline::transfer::TransferTable;
use dockline::{PortError, PortName};
use rusqlite::{Connection, params};
use time::OffsetDateTime;
use tokio::sync::oneshot;

use super::{SealedRows, sql};
use crate::database::connection::{self, prepare_reader, prepare_writer};
use crate::database::files::{beside, resolve};
use crate::database::locks::ServerLock;
use crate::database::open_files::OpenFile;
use crate::database::options::check;
use crate::database::remote::is_remote;
use crate::database::{DEFAULT_DEADLINE, OpenError};
use crate::decode::{column_time, count, execute, get, nullable_time, row, time};
use crate::error::SqliteError;
use crate::migrations;

const FIND: &str = "SELECT sealed_at, copied_to, copied_at FROM seal";

const HAS_SEAL: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'seal'";

const SEAL: &str = "INSERT INTO seal (only_row, sealed_at) VALUES (1, ?1)";

const UNSEAL: &str = "DELETE FROM seal";

const RECORD_COPY: &str = "UPDATE seal SET copied_to = ?1, copied_at = ?2";

/// The seal of a file whose rows are moved to another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The time at which the file was sealed.
    pub sealed_at: OffsetDateTime,
    /// The database that the rows were copied to, without credentials, and the time of the copy.
    pub copied: Option<(String, OffsetDateTime)>,
}

fn find(connection: &Connection) -> Result<Option<Seal>, SqliteError> {
    // An empty file has no such table.
    if row(connection, HAS_SEAL, (), |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    row(connection, FIND, (), |row| {
        let copied_to: Option<String> = get(row, "copied_to")?;
        Ok(Seal {
            sealed_at: time(row, "sealed_at")?,
            copied: copied_to.zip(nullable_time(row, "copied_at")?),
        })
    })
}

fn open_error(error: SqliteError, deadline: Duration) -> OpenError {
    match error {
        SqliteError::Sqlite(error) => OpenError::of(&error, deadline),
        other @ (SqliteError::Deadline(_)
        | SqliteError::Overloaded
        | SqliteError::Closed
        | SqliteError::Panicked
        | SqliteError::Corrupt { .. }) => OpenError::Failed(other.to_string()),
    }
}

/// Checks that the file has no seal.
pub(crate) fn check_not_sealed(connection: &Connection, deadline: Duration) -> Result<(), OpenError> {
    match find(connection).map_err(|error| open_error(error, deadline))? {
        Some(seal) => Err(OpenError::Sealed(seal)),
        None => Ok(()),
    }
}

/// A sealed file, whose rows are moved to another database. No server or command opens it.
#[derive(Debug, Clone)]
pub struct SealedFile {
    seal: Seal,
    shared: Arc<SharedFile>,
}

/// The file, with a connection for short statements. Rows are read by connections of their own.
struct SharedFile {
    connection: std::sync::Mutex<Connection>,
    file: OpenFile,
}

impl fmt::Debug for SharedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedFile")
    }
}

impl SealedFile {
    /// Seals the file at `path`: checks it, writes its log into it, and refuses every server and command from then on. Sealing it
    /// again changes nothing.
    ///
    /// # Errors
    /// [`OpenError::InUse`] beside a server, [`OpenError::Busy`] if any other process has the file open, and the other variants.
    /// The file is not sealed then.
    pub async fn seal(path: impl Into<PathBuf> + Send, now: OffsetDateTime) -> Result<Seal, OpenError> {
        let path = path.into();
        in_thread(move || {
            exclusively(resolve(&path)?.path(), |connection| {
                execute(connection, SEAL, [column_time(now)])?;
                Ok(Seal { sealed_at: crate::decode::stored_time(now), copied: None })
            })
        })
        .await
    }

    /// Removes the seal. Returns it, or `None` if the file had none.
    ///
    /// # Errors
    /// See [`SealedFile::seal`].
    pub async fn unseal(path: impl Into<PathBuf> + Send) -> Result<Option<Seal>, OpenError> {
        let path = path.into();
        in_thread(move || {
            let file = resolve(&path)?;
            if open(file.path())?.1.is_none() {
                return Ok(None);
            }
            let _lock = ServerLock::take_briefly(file.path())?;
            let (connection, seal) = open(file.path())?;
            prepare_writer(&connection).map_err(|error| OpenError::of(&error, DEFAULT_DEADLINE))?;
            execute(&connection, UNSEAL, ()).map_err(|error| open_error(error, DEFAULT_DEADLINE))?;
            Ok(seal)
        })
        .await
    }

    /// Opens a sealed file.
    ///
    /// # Errors
    /// [`OpenError::NotSealed`], [`OpenError::Pending`] or [`OpenError::Newer`] if another release sealed it, and the other variants.
    pub async fn open(path: impl Into<PathBuf> + Send) -> Result<Self, OpenError> {
        let path = path.into();
        in_thread(move || {
            let file = resolve(&path)?;
            let (connection, seal) = open(file.path())?;
            let seal = seal.ok_or(OpenError::NotSealed)?;
            migrations::check(&connection, DEFAULT_DEADLINE)?;
            migrations::check_none_is_later(&connection, DEFAULT_DEADLINE)?;
            let connection = std::sync::Mutex::new(connection);
            Ok(Self { seal, shared: Arc::new(SharedFile { connection, file }) })
        })
        .await
    }

    /// Returns the seal.
    #[must_use]
    pub const fn found(&self) -> &Seal {
        &self.seal
    }

    /// Returns the number of rows of a table.
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn count(&self, table: &'static TransferTable) -> Result<u64, PortError> {
        self.run(move |connection| count(connection, &sql::count(table), ())).await
    }

    /// Reads the rows of a table.
    ///
    /// # Errors
    /// If the file cannot be opened, or no thread started.
    pub fn rows(&self, table: &'static TransferTable) -> Result<SealedRows, PortError> {
        let opened =
            connection::open(self.shared.file.path(), DEFAULT_DEADLINE).and_then(|(connection, _)| {
                prepare_reader(&connection)?;
                Ok(connection)
            });
        let connection = opened.map_err(|error| port_error(error.into()))?;
        SealedRows::start(connection, table).map_err(port_error)
    }

    /// Stores where the rows were copied to, so that a server that is started with the file says so.
    ///
    /// # Errors
    /// Infrastructure only. The call may be repeated.
    pub async fn record_copy(&self, to: &str, at: OffsetDateTime) -> Result<(), PortError> {
        let to = to.to_owned();
        self.run(move |connection| execute(connection, RECORD_COPY, params![to, column_time(at)]).map(drop))
            .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, PortError> {
        let shared = Arc::clone(&self.shared);
        let done = in_thread(move || {
            let connection = shared.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(work(&connection))
        });
        match done.await {
            Ok(done) => done.map_err(port_error),
            Err(_) => Err(port_error(SqliteError::Closed)),
        }
    }
}

fn port_error(error: SqliteError) -> PortError {
    error.of_port(PortName::Directory)
}

/// Executes `work` in a thread of its own.
async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let (reply, done) = oneshot::channel();
    let spawned = thread::Builder::new().name("sqlite-move".into()).spawn(move || drop(reply.send(work())));
    spawned.map_err(OpenError::Io)?;
    done.await.unwrap_or_else(|_| Err(OpenError::Failed("the thread of the call ended".into())))
}

/// Opens a file, and reads its seal.
fn open(path: &Path) -> Result<(Connection, Option<Seal>), OpenError> {
    if !path.try_exists().map_err(OpenError::Io)? {
        return Err(OpenError::Missing);
    }
    if is_remote(path).map_err(OpenError::Io)? {
        return Err(OpenError::Remote);
    }
    let failed = |error: rusqlite::Error| OpenError::of(&error, DEFAULT_DEADLINE);
    let (connection, _) = connection::open(path, DEFAULT_DEADLINE).map_err(failed)?;
    migrations::check_file(&connection, DEFAULT_DEADLINE)?;
    let seal = find(&connection).map_err(|error| open_error(error, DEFAULT_DEADLINE))?;
    Ok((connection, seal))
}

/// Seals a file that no other process has open, unless it is sealed.
fn exclusively(
    path: &Path,
    seal: impl FnOnce(&Connection) -> Result<Seal, SqliteError>,
) -> Result<Seal, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(&error, DEFAULT_DEADLINE);
    let (connection, found) = open(path)?;
    if let Some(found) = found {
        return Ok(found);
    }
    migrations::check_none_is_later(&connection, DEFAULT_DEADLINE)?;
    drop(connection);
    let _lock = ServerLock::take_briefly(path)?;
    let (mut connection, _) = connection::open(path, DEFAULT_DEADLINE).map_err(failed)?;
    connection::check_writable(&connection)?;
    // Before the first statement: then SQLite takes the lock of the whole file, and keeps it.
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(())).map_err(failed)?;
    prepare_writer(&connection).map_err(failed)?;
    // Another process may have sealed it before this one took the lock.
    if let Some(found) = find(&connection).map_err(|error| open_error(error, DEFAULT_DEADLINE))? {
        return Ok(found);
    }
    migrations::run(&mut connection, DEFAULT_DEADLINE)?;
    check(&connection).map_err(failed)?.map_or(Ok(()), |damage| Err(OpenError::Damaged(damage)))?;
    // Without a log, the file is complete by itself, and can be copied to another machine. Fails while another process has the
    // file open, which could write to it later.
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))
        .map_err(failed)?;
    if mode != "delete" {
        return Err(OpenError::Busy(DEFAULT_DEADLINE));
    }
    // The rest of a process that closed the file meanwhile. This connection has the lock of the whole file, and uses none.
    match fs::remove_file(beside(path, "-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OpenError::Io(error)),
        _ => {}
    }
    seal(&connection).map_err(|error| open_error(error, DEFAULT_DEADLINE))
}
