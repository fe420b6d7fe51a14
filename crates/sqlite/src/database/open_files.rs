//! The files that this process has open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often each file is open.
static OPEN: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

fn open() -> MutexGuard<'static, BTreeMap<PathBuf, usize>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that this process has open, or is about to open. Dropped after its connections.
///
/// While there is one, nothing else in the process may open and close the file: POSIX releases all locks of a process when it closes
/// any descriptor of a file. SQLite would not notice, and another process would delete the log that is in use.
#[derive(Debug)]
pub(crate) struct OpenFile(PathBuf);

impl OpenFile {
    /// Registers the file at `path`, which is resolved. Executes `check`, which may read the file, if this process does not
    /// have it open.
    pub(super) fn register<E>(path: PathBuf, check: impl FnOnce(&Path) -> Result<(), E>) -> Result<Self, E> {
        let mut open = open();
        if !open.contains_key(&path) {
            // Under the lock, so that no other thread opens it meanwhile.
            check(&path)?;
        }
        *open.entry(path.clone()).or_default() += 1;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let mut open = open();
        if let Some(times) = open.get_mut(&self.0) {
            *times -= 1;
            if *times == 0 {
                open.remove(&self.0);
            }
        }
    }
}
