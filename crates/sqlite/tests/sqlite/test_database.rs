//! Files that are removed after their test.

use std::path::{Path, PathBuf};

use dockline_sqlite::SqliteDatabase;
use tempfile::TempDir;

/// A folder with a database file.
#[derive(Debug)]
pub(crate) struct TestFile(TempDir);

impl TestFile {
    /// A file that does not exist yet; in memory if the system has a folder there, since each write waits for the disk.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(folder.unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("dockline.sqlite")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) async fn open(&self) -> SqliteDatabase {
        SqliteDatabase::open(self.path()).await.unwrap()
    }
}

pub(crate) async fn database() -> (TestFile, SqliteDatabase) {
    let file = TestFile::new();
    let database = file.open().await;
    (file, database)
}

/// Two handles to one file, as two processes have them.
pub(crate) async fn two_handles() -> (TestFile, [SqliteDatabase; 2]) {
    let file = TestFile::new();
    let handles = [file.open().await, file.open().await];
    (file, handles)
}
