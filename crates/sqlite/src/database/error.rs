use std::io;
use std::time::Duration;

use rusqlite::ErrorCode;

use crate::error::describe;
use crate::transfer::Seal;

/// Why a file cannot be used. A file that existed was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be opened, created or made private. Handling: correct the path, or the folder's permissions.
    #[error("the file cannot be opened, created or made private")]
    Io(#[source] io::Error),
    /// The file or its folder cannot be written. Handling: SQLite writes a log beside the file, so the folder must be writable.
    #[error("the file, or its log in the same folder, cannot be written: {0}")]
    Denied(String),
    /// The file does not exist, and is not to be created. Handling: correct the path, or start the server first.
    #[error("the file does not exist")]
    Missing,
    /// The path names a folder, a pipe or a device. Handling: correct the path.
    #[error("the path names a folder, a pipe or a device, and no file")]
    NotAFile,
    /// The path is a symbolic link to a file that does not exist. Handling: correct or remove the link.
    #[error("the path is a symbolic link to a file that does not exist")]
    Dangling,
    /// The file has another name, a hard link, under which SQLite would keep another log. Handling: remove the other name.
    #[error("the file has another name (a hard link), and using it by both would damage it")]
    Linked,
    /// The file is missing or empty, and its log is there. Handling: put the file back beside it, or move the log away.
    #[error("the file is missing or empty, but its log is there")]
    OnlyLog,
    /// The file is a backup, and the log beside it is that of another file. Handling: move the log away.
    #[error("the log beside the file belongs to the file that was there before")]
    ForeignLog,
    /// The file is no SQLite database. Handling: correct the path.
    #[error("the file is not a SQLite database")]
    NotSqlite,
    /// The file is the database of another program. Handling: correct the path.
    #[error("the file is a SQLite database of another program (application id {application_id})")]
    Foreign {
        /// The application id in the file; 0 if it has none.
        application_id: i32,
    },
    /// A later release changed the file, and this program cannot use it. Handling: run that release, or one between the two;
    /// migrations are forward only.
    #[error(
        "the file was migrated to version {found}{}, and this program, which knows version {known}, cannot use it: run a later \
         release, or restore the backup from before the migration",
        .release.as_ref().map(|release| format!(" by release {release}")).unwrap_or_default()
    )]
    Newer {
        /// The file's version.
        found: u32,
        /// The latest version of this program.
        known: u32,
        /// The release that changed the file; `None` if it is unknown.
        release: Option<String>,
    },
    /// Migrations are missing, and are not to be applied. Handling: apply them first.
    #[error("the file has version {found}, and this program needs {known}: migrate it")]
    Pending {
        /// The file's version, 0 if it is empty.
        found: u32,
        /// The version that is needed.
        known: u32,
    },
    /// The file is sealed: its rows are moved to another database. Handling: use that one, or remove the seal.
    #[error("the file is sealed, because its rows are moved to another database")]
    Sealed(Seal),
    /// The file is not sealed. Handling: seal it first.
    #[error("the file is not sealed")]
    NotSealed,
    /// The checksum of an applied migration differs from this program's. Handling: find out which build applied it.
    #[error("migration {version} was applied with another text: find out which build applied it")]
    Changed {
        /// The migration's version.
        version: u32,
    },
    /// The check found damage. Handling: restore a backup.
    #[error("the file is damaged, restore a backup: {0}")]
    Damaged(String),
    /// Another server uses the file. Handling: stop it first.
    #[error("another server uses the file{}", process.map(|process| format!(" (process {process})")).unwrap_or_default())]
    InUse {
        /// The process, if it could be read.
        process: Option<u32>,
    },
    /// Another process wrote to the file until the deadline. Handling: repeat.
    #[error("another process wrote to the file for {0:?}")]
    Busy(Duration),
    /// The file is on a network file system, on which locks are not reliable. Handling: use a local one.
    #[error("the file is on a network file system: use a local one")]
    Remote,
    /// SQLite cannot keep a write-ahead log for the file. Handling: use a local file system.
    #[error("the file system supports no write-ahead log (journal mode {0})")]
    NoLog(String),
    /// The disk is full. Handling: free space.
    #[error("the disk of the file is full")]
    Full,
    /// Any other failure. Handling: see the text.
    #[error("the file cannot be opened: {0}")]
    Failed(String),
}

impl OpenError {
    pub(crate) fn of(error: &rusqlite::Error, deadline: Duration) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(deadline),
            Some(ErrorCode::NotADatabase) => Self::NotSqlite,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(describe(error)),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Denied(describe(error))
            }
            _ => Self::Failed(describe(error)),
        }
    }
}
