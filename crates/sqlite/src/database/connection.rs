//! Opens connections, and ends statements at their deadline.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::error::OpenError;
use crate::error::describe;

/// The number of steps of SQLite's virtual machine between two looks at the clock: about 100 µs.
const STEPS: i32 = 4_000;

/// The number of prepared statements that a connection keeps.
const STATEMENTS: usize = 128;

/// The size to which the write-ahead log is cut after a checkpoint.
const LOG_BYTES: i64 = 64 << 20;

/// The time between two attempts to turn the log on.
const PAUSE: Duration = Duration::from_millis(10);

/// The time at which the running call of a connection is interrupted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expiry(Arc<Mutex<Option<Instant>>>);

impl Expiry {
    pub(super) fn set(&self, deadline: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    pub(super) fn is_over(&self) -> bool {
        let deadline = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.is_some_and(|deadline| deadline <= Instant::now())
    }
}

/// Opens an existing file. The path is absolute, because SQLite takes one that begins with `file:` for a URI.
pub(crate) fn open(path: &Path, busy_timeout: Duration) -> Result<(Connection, Expiry), rusqlite::Error> {
    let expiry = Expiry::default();
    open_with(path, busy_timeout, &expiry).map(|connection| (connection, expiry))
}

/// [`open`] with an expiry that several connections share.
pub(super) fn open_with(
    path: &Path,
    busy_timeout: Duration,
    expiry: &Expiry,
) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let watched = expiry.clone();
    connection.progress_handler(STEPS, Some(move || watched.is_over()))?;
    Ok(connection)
}

/// Fails if SQLite could open the file only for reading.
pub(crate) fn check_writable(connection: &Connection) -> Result<(), OpenError> {
    match connection.is_readonly(MAIN_DB) {
        Ok(false) => Ok(()),
        Ok(true) => Err(OpenError::Denied("it is read-only".to_owned())),
        Err(error) => Err(OpenError::Failed(describe(&error))),
    }
}

/// Sets what every connection to the file needs.
pub(super) fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "foreign_keys", true)?;
    // A file that someone else wrote cannot make SQLite call functions.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Turns the write-ahead log on, and returns the journal mode. SQLite does not wait by itself for another process that opens the
/// file for the first time.
pub(super) fn start_log(connection: &Connection, deadline: Duration) -> Result<String, rusqlite::Error> {
    let until = Instant::now() + deadline;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < until =>
            {
                thread::sleep(PAUSE);
            }
            mode => return mode,
        }
    }
}

/// Sets what the writing connection needs.
pub(crate) fn prepare_writer(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Deleted rows are overwritten where that costs no further page, so that erased identifiers leave the file.
    connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    prepare(connection)
}

/// Makes a connection read only.
pub(crate) fn prepare_reader(connection: &Connection) -> Result<(), rusqlite::Error> {
    prepare(connection)?;
    connection.pragma_update(None, "query_only", true)
}
