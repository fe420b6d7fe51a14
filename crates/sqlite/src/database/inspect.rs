//! Facts about a file for operators, and the check of one that is open.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use dockline::{PortError, PortName};
use tokio::sync::oneshot;

use super::error::OpenError;
use super::files::{self, beside};
use super::locks::{self, ServerProcess};
use super::options::{SqliteOptions, check};
use super::remote::is_remote;
use super::{SqliteDatabase, connection};
use crate::error::SqliteError;
use crate::{migrations, transfer};

/// Facts about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFacts {
    /// The version of the tables, 0 if the file is empty; `None` if it does not exist.
    pub version: Option<u32>,
    /// The version that this program needs.
    pub known: u32,
    /// The size in bytes, with the log.
    pub bytes: u64,
    /// The bytes of free pages in the file, which SQLite uses again.
    pub free_bytes: u64,
    /// The server that uses the file.
    pub server: Option<ServerProcess>,
    /// The version of SQLite in this program.
    pub sqlite: &'static str,
}

impl SqliteOptions {
    /// Returns facts about the file, and checks it unless [`without_check`](Self::without_check) is set. Creates and changes
    /// nothing.
    ///
    /// # Errors
    /// [`OpenError`], as for a file that is opened. A missing file and missing migrations are no errors.
    pub async fn inspect(self) -> Result<FileFacts, OpenError> {
        let (reply, facts) = oneshot::channel();
        let inspect = move || drop(reply.send(self.facts()));
        thread::Builder::new().name("sqlite-inspect".into()).spawn(inspect).map_err(OpenError::Io)?;
        facts.await.unwrap_or_else(|_| Err(OpenError::Failed("the thread that inspects it ended".into())))
    }

    fn facts(&self) -> Result<FileFacts, OpenError> {
        let file = files::resolve(&self.path)?;
        let path = file.path();
        let facts = FileFacts {
            version: None,
            known: migrations::KNOWN,
            bytes: 0,
            free_bytes: 0,
            server: None,
            sqlite: rusqlite::version(),
        };
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len() + fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if is_remote(files::folder(path)).map_err(OpenError::Io)? {
                    Err(OpenError::Remote)
                } else {
                    Ok(facts)
                };
            }
            Err(error) => return Err(OpenError::Io(error)),
        };
        if is_remote(path).map_err(OpenError::Io)? {
            return Err(OpenError::Remote);
        }
        let failed = |error: rusqlite::Error| OpenError::of(&error, self.deadline);
        let (connection, _) = connection::open(path, self.deadline).map_err(failed)?;
        migrations::check_file(&connection, self.deadline)?;
        transfer::check_not_sealed(&connection, self.deadline)?;
        let version = migrations::version(&connection).map_err(failed)?;
        match migrations::check(&connection, self.deadline) {
            Err(OpenError::Pending { .. }) => {}
            checked => checked?,
        }
        if self.is_checked {
            check(&connection).map_err(failed)?.map_or(Ok(()), |damage| Err(OpenError::Damaged(damage)))?;
        }
        let free = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
        let free: i64 = connection.query_row(free, (), |row| row.get(0)).map_err(failed)?;
        let free_bytes = u64::try_from(free).unwrap_or_default();
        let server = locks::server(path).map_err(OpenError::Io)?;
        Ok(FileFacts { version: Some(version), bytes, free_bytes, server, ..facts })
    }
}

/// Why an open file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The file was removed or replaced while it is open, so writes are lost at the next start. Handling: stop the
    /// program, and put the file back.
    #[error("the file was removed or replaced while it is open")]
    Removed,
    /// The file failed. Handling: see the source.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl SqliteDatabase {
    /// Checks that the file is in its place, and that it can be read and locked for writing. Writes nothing.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub async fn check(&self) -> Result<(), CheckError> {
        if files::identity(&self.inner.path).ok() != Some(self.inner.identity) {
            return Err(CheckError::Removed);
        }
        let read = self.write(|connection| Ok(migrations::version(connection)?)).await;
        read.map(drop).map_err(|error| CheckError::Port(error.of_port(PortName::BindingRepo)))
    }

    /// Writes the log into the file, so that the file alone is complete until the next write: for the end of a server.
    /// Calls continue meanwhile; pages that a reader still needs stay in the log.
    ///
    /// # Errors
    /// Infrastructure only. Nothing is lost: the log stays.
    pub async fn checkpoint(&self) -> Result<(), PortError> {
        let (path, deadline) = (self.inner.file.clone(), self.deadline);
        let (reply, done) = oneshot::channel();
        let checkpoint = move || {
            let written = connection::open(&path, deadline).and_then(|(connection, _)| {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
            });
            // The caller may have left.
            drop(reply.send(written));
        };
        let port_error = |error: SqliteError| error.of_port(PortName::BindingRepo);
        let spawned = thread::Builder::new().name("sqlite-checkpoint".into()).spawn(checkpoint);
        spawned.map_err(|_| port_error(SqliteError::Overloaded))?;
        match done.await {
            Ok(written) => written.map_err(|error| port_error(error.into())),
            Err(_) => Err(port_error(SqliteError::Closed)),
        }
    }

    /// Returns the path by which the file was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }
}
