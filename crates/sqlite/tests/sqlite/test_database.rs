//! Files that are removed after their test.

use std::path::{Path, PathBuf};
use std::process::Command;

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

    /// A file that does not exist yet, on the disk that builds are on.
    pub(crate) fn on_disk() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
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

/// Returns a file that does not exist yet, or that the program in `DOCKLINE_LATER_PROGRAM` has created. So `.ci/rollback` shows
/// that this release works on the file of a later one.
fn file_of_later_program() -> TestFile {
    let file = TestFile::new();
    if let Some(program) = std::env::var_os("DOCKLINE_LATER_PROGRAM") {
        let folder = file.0.path();
        let migrated = Command::new(program).arg("migrate").arg("--data-dir").arg(folder).output().unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        std::fs::rename(file.beside("dockline.db"), file.path()).unwrap();
    }
    file
}

pub(crate) async fn database() -> (TestFile, SqliteDatabase) {
    let file = file_of_later_program();
    let database = file.open().await;
    (file, database)
}

/// Two handles to one file, as two processes have them.
pub(crate) async fn two_handles() -> (TestFile, [SqliteDatabase; 2]) {
    let file = file_of_later_program();
    let handles = [file.open().await, file.open().await];
    (file, handles)
}
