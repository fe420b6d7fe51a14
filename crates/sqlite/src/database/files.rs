//! The files beside SQLite's own: who may read them, and the lock of a server.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::OpenError;

/// Returns the path with `suffix` after the file's name, as SQLite names its files.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file for writing that only its owner may read, and creates it if it does not exist.
fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Creates a file that only its owner may read. Fails if it exists.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    private(path, OpenOptions::new().create_new(true))
}

/// Opens a file for writing, or creates it, so that only its owner may read it.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let file = private(path, OpenOptions::new().create(true).truncate(false))?;
    restrict(path)?;
    Ok(file)
}

/// Creates the database file if it does not exist.
pub(super) fn create_if_missing(path: &Path) -> Result<(), OpenError> {
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop).map_err(OpenError::Io),
    }
}

/// The identity of a file, which differs from that of another file at the same path: device and inode.
pub(super) type Identity = (u64, u64);

/// Returns the identity of the file at `path`.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Returns the same for every file: other systems keep an open file from being removed.
#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|_| (0, 0))
}

/// Lets only the owner read the database file and its log. SQLite gives a new log the permissions of the file.
pub(super) fn secure(path: &Path) -> Result<(), OpenError> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        restrict(&file).map_err(OpenError::Io)?;
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn restrict(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How long a server waits for the lock, which [`server`] takes for an instant.
const PATIENCE: Duration = Duration::from_millis(200);

const PAUSE: Duration = Duration::from_millis(10);

/// A process that has the lock of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerProcess {
    /// Its number, if it could be read.
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
    file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok())
}

/// The lock of a server, which the operating system releases when the process ends.
#[derive(Debug)]
pub(crate) struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of the file at `path`, and writes the number of this process into it.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let lock = private(&beside(path, "-lock"), OpenOptions::new().create(true).truncate(false));
        let mut file = lock.map_err(OpenError::Io)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::InUse { process: process(&mut file) });
                }
                Err(TryLockError::Error(error)) => return Err(OpenError::Io(error)),
            }
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        written.and_then(|()| writeln!(file, "{}", std::process::id())).map_err(OpenError::Io)?;
        Ok(Self { _file: file })
    }
}
