//! The locks beside the file: that of a server, and the order in which processes write.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::OpenError;
use super::files::{beside, open_or_create};
use super::options::DEFAULT_DEADLINE;

/// Opens the lock beside the database file whose name ends with `suffix`, and creates it if it does not exist. The error names it.
pub(super) fn open_lock(database: &Path, suffix: &str) -> io::Result<File> {
    let path = beside(database, suffix);
    let lock = open_or_create(&path).map_err(|error| named(&path, &error))?;
    share_owner(database, &lock);
    Ok(lock)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.file_name().unwrap_or_default().display()))
}

/// Gives the lock to the owner of the database file, as SQLite does with its log, if root made it by a command.
#[cfg(unix)]
fn share_owner(database: &Path, lock: &File) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let owner = |metadata: fs::Metadata| (metadata.uid(), metadata.gid());
    if let (Ok(wanted), Ok(found)) = (fs::metadata(database).map(owner), lock.metadata().map(owner))
        && wanted != found
    {
        // Another user need not own it: opening it was enough.
        drop(fchown(lock, Some(wanted.0), Some(wanted.1)));
    }
}

#[cfg(not(unix))]
const fn share_owner(_: &Path, _: &File) {}

/// How long the lock of a server is waited for. [`server`] takes it for an instant, and a server that ends has it until its connections
/// are closed.
const PATIENCE: Duration = Duration::from_millis(200);

const PAUSE: Duration = Duration::from_millis(10);

/// A process that has the lock of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerProcess {
    /// Its number; `None` if it could not be read, or if the file is just being sealed.
    pub process: Option<u32>,
}

/// Returns the server that uses the file at `path`, if there is one.
pub(super) fn server(path: &Path) -> io::Result<Option<ServerProcess>> {
    let mut file = match File::open(beside(path, "-lock")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(ServerProcess { process: process(&mut file) })),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn process(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok().and_then(|_| text.trim().parse().ok())
}

/// The lock of a server, which the operating system releases when the process ends.
#[derive(Debug)]
pub(crate) struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of the file at `path`, and writes the number of this process into it.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        Self::take_and_write(database, &format!("{}\n", std::process::id()))
    }

    /// Takes the lock for a short time, in which others wait for it.
    pub(crate) fn take_briefly(database: &Path) -> Result<Self, OpenError> {
        Self::take_and_write(database, "")
    }

    fn take_and_write(database: &Path, text: &str) -> Result<Self, OpenError> {
        let mut file = open_lock(database, "-lock").map_err(OpenError::Io)?;
        let failed = |error: io::Error| OpenError::Io(named(&beside(database, "-lock"), &error));
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let process = process(&mut file);
                    let patience = if process.is_some() { PATIENCE } else { DEFAULT_DEADLINE };
                    if started.elapsed() >= patience {
                        return Err(OpenError::InUse { process });
                    }
                    thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        written.and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// The longest wait for the turn. A process that is stopped while it has the turn must not block the others.
const TURN_PATIENCE: Duration = Duration::from_millis(100);

/// The time between two attempts to take the turn or SQLite's lock.
pub(super) const TURN_PAUSE: Duration = Duration::from_millis(1);

/// A lock that a process has while it waits for SQLite's own, which has no queue: a server that always writes takes that one again
/// before the other processes, which pause between attempts, find it free.
#[derive(Debug)]
pub(super) struct Turn(File);

impl Turn {
    /// Opens the lock beside the file at `database`, and creates it if it does not exist.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        open_lock(database, "-turn").map(Self)
    }

    /// Waits for the turn, at most until `until`. `None` means that the caller goes on without an order.
    pub(super) fn wait(&self, until: Instant) -> Option<Taken<'_>> {
        let until = until.min(Instant::now() + TURN_PATIENCE);
        loop {
            match self.0.try_lock() {
                Ok(()) => return Some(Taken(&self.0)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(TURN_PAUSE),
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
