use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::options::check;
use super::{SqliteDatabase, connection, files};
use crate::error::describe;

/// Why a backup was not made. Nothing is left at its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file at the path. Handling: choose another path.
    #[error("the file of the backup exists")]
    Exists,
    /// The backup cannot be written. Handling: see the source.
    #[error("the backup cannot be written")]
    Io(#[source] io::Error),
    /// The copy is damaged. Handling: check the disks, and repeat.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// SQLite failed. Handling: see the text.
    #[error("the backup failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(describe(&error))
    }
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::AlreadyExists { Self::Exists } else { Self::Io(error) }
    }
}

/// The copy while it is being made, locked, so that the rest of an interrupted one is recognized. Removed unless it is complete.
struct Partial {
    path: PathBuf,
    _file: File,
}

impl Partial {
    fn create(path: PathBuf) -> Result<Self, BackupError> {
        let file = files::open_private(&path)?;
        match file.try_lock() {
            Ok(()) => file.set_len(0)?,
            Err(TryLockError::WouldBlock) => return Err(BackupError::Exists),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(Self { path, _file: file })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It may not exist.
        drop(fs::remove_file(&self.path));
    }
}

impl SqliteDatabase {
    /// Copies the file, as it is at one instant, to a new file at `to` that only its owner may read. Reads and writes go on
    /// meanwhile. The copy is complete and on disk before it appears at `to`; a file that is there already is kept.
    ///
    /// Takes as long as the file needs, so it has no deadline. If the future is dropped, the copy is made nevertheless.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn backup(&self, to: impl Into<PathBuf> + Send) -> Result<(), BackupError> {
        let (from, to) = (self.inner.path.clone(), to.into());
        let (reply, done) = oneshot::channel();
        let deadline = self.deadline;
        let copy = move || {
            let copied = connection::open(&from, deadline)
                .map_err(BackupError::from)
                .and_then(|(connection, _)| copy(&connection, &to));
            // The caller may have left.
            drop(reply.send(copied));
        };
        thread::Builder::new().name("sqlite-backup".into()).spawn(copy)?;
        done.await.unwrap_or_else(|_| Err(BackupError::Failed("the thread of the backup ended".into())))
    }
}

fn copy(from: &Connection, to: &Path) -> Result<(), BackupError> {
    if to.try_exists()? {
        return Err(BackupError::Exists);
    }
    let partial = Partial::create(files::beside(to, "-partial"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(&partial.path, flags)?;
    // The copy counts only once it is complete, so it needs no journal.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    // In one step, and so of one version of the file: with several, each write would start the copy anew.
    let step = Backup::new(from, &mut copy)?.step(-1)?;
    if step != StepResult::Done {
        return Err(BackupError::Failed("another process used the copy".into()));
    }
    if let Some(damage) = check(&copy)? {
        return Err(BackupError::Damaged(damage));
    }
    copy.close().map_err(|(_, error)| error)?;
    File::open(&partial.path)?.sync_all()?;
    // Unlike a rename, a link never replaces a file.
    fs::hard_link(&partial.path, to)?;
    if let Some(folder) = to.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        sync_folder(folder)?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
