use std::fs::{self, File, TryLockError};
use std::future::{Future, pending, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use tokio::sync::oneshot;

use super::SqliteDatabase;
use super::connection::{self, Expiry};
use super::files::{self, beside, folder, identity_of};
use super::options::check;
use crate::error::describe;

/// Copies everything but free pages, as of one instant. A path need not be UTF-8, and a parameter has to be a text.
const COPY: &str = "VACUUM INTO CAST(?1 AS TEXT)";

/// Why a backup was not made. Nothing is left at its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file at the path. Handling: choose another path.
    #[error("the file of the backup exists")]
    Exists,
    /// The disk is full. Handling: free space, or choose another disk.
    #[error("the disk of the backup is full")]
    Full,
    /// The backup cannot be written. Handling: see the source.
    #[error("the backup cannot be written")]
    Io(#[source] io::Error),
    /// The file or the copy is damaged. Handling: check the disks, and repeat.
    #[error("the file or the copy is damaged: {0}")]
    Damaged(String),
    /// The caller ended it.
    #[error("the backup was interrupted")]
    Interrupted,
    /// SQLite failed. Handling: see the text.
    #[error("the backup failed: {0}")]
    Failed(String),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(describe(&error)),
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ => Self::Failed(describe(&error)),
        }
    }
}

impl From<io::Error> for BackupError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others need no handling of their own")]
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// The copy while it is being made, locked, so that the rest of an interrupted one is recognized. Removed unless it is complete.
struct Partial {
    path: PathBuf,
    _file: File,
}

impl Partial {
    fn create(path: PathBuf) -> Result<Self, BackupError> {
        remove_rest(&path)?;
        let file = files::create(&path)?;
        lock(&file)?;
        Ok(Self { path, _file: file })
    }
}

/// Removes what an interrupted backup left. Does not write to it, since it may be a link to another file.
fn remove_rest(path: &Path) -> Result<(), BackupError> {
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?.file_type(),
    };
    if kind.is_file() {
        let rest = File::open(path)?;
        lock(&rest)?;
        // Another backup may have replaced it before this one had the lock.
        if identity_of(&rest.metadata()?) != files::identity(path)? {
            return Err(BackupError::Exists);
        }
    } else if !kind.is_symlink() {
        return Err(BackupError::Exists);
    }
    Ok(fs::remove_file(path)?)
}

fn lock(file: &File) -> Result<(), BackupError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(BackupError::Exists),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // They do not exist if the file got its name; SQLite leaves its journal on a full disk.
        drop(fs::remove_file(&self.path));
        drop(fs::remove_file(beside(&self.path, "-journal")));
    }
}

/// Interrupts the copy if its caller leaves.
struct Interruption(Expiry);

impl Interruption {
    fn interrupt(&self) {
        self.0.set(Some(Instant::now()));
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.interrupt();
    }
}

impl SqliteDatabase {
    /// Copies the file, as it is at one instant, to a new file at `to` that only its owner may read. Reads and writes go on
    /// meanwhile. The copy has no free pages, so it may be smaller than the file. It is complete and on disk before it
    /// appears at `to`; a file that is there already is kept.
    ///
    /// Takes as long as the file needs, so it has no deadline. If the future is dropped, the copy ends soon and is removed.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn backup(&self, to: impl Into<PathBuf> + Send) -> Result<(), BackupError> {
        self.backup_until(to, pending()).await
    }

    /// [`backup`](Self::backup) that ends if `stop` completes before. Then nothing is left of the copy when it returns.
    ///
    /// # Errors
    /// [`BackupError::Interrupted`] and the other variants.
    pub async fn backup_until(
        &self,
        to: impl Into<PathBuf> + Send,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), BackupError> {
        let (from, to) = (self.inner.file.clone(), to.into());
        let (reply, done) = oneshot::channel();
        let (deadline, expiry) = (self.deadline, Expiry::default());
        let interruption = Interruption(expiry.clone());
        // The caller may have left.
        let copy = move || drop(reply.send(copy(&from, &to, deadline, &expiry)));
        thread::Builder::new().name("sqlite-backup".into()).spawn(copy)?;
        let mut stop = pin!(stop);
        let mut done = pin!(done);
        let mut is_stopped = false;
        let copied = poll_fn(|context| {
            if !is_stopped && stop.as_mut().poll(context).is_ready() {
                is_stopped = true;
                interruption.interrupt();
            }
            done.as_mut().poll(context)
        });
        copied.await.unwrap_or_else(|_| Err(BackupError::Failed("the thread of the backup ended".into())))
    }
}

fn copy(from: &Path, to: &Path, deadline: Duration, expiry: &Expiry) -> Result<(), BackupError> {
    let name = to.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    let folder = fs::canonicalize(folder(to))?;
    let to = folder.join(name);
    // Not of what a link at the path names.
    if fs::symlink_metadata(&to).is_ok() {
        return Err(BackupError::Exists);
    }
    let partial = Partial::create(beside(&to, "-partial"))?;
    let source = connection::open_with(from, deadline, expiry)?;
    connection::prepare(&source)?;
    source.execute(COPY, [partial.path.as_os_str().as_encoded_bytes()])?;
    let copy = connection::open_with(&partial.path, deadline, expiry)?;
    if let Some(damage) = check(&copy)? {
        return Err(BackupError::Damaged(damage));
    }
    copy.close().map_err(|(_, error)| error)?;
    File::open(&partial.path)?.sync_all()?;
    if expiry.is_over() {
        return Err(BackupError::Interrupted);
    }
    files::rename_to_new(&partial.path, &to)?;
    files::sync_folder(&folder)?;
    Ok(())
}
