//! Files are readable by their owner only.
#![cfg(unix)]

use dockline::ports::KeyAdmin;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dockline_sqlite::{OpenError, SqliteDatabase, SqliteKeyStore};

use crate::fixtures::{NOON, key};
use crate::test_database::TestFile;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn file_and_its_log_are_readable_by_their_owner_only() {
    let file = TestFile::new();
    // Not even a file that someone created with other permissions.
    fs::write(file.path(), "").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let database = file.open().await;
    SqliteKeyStore::new(&database).insert(&key("0123456789ABCDEF", "org_acme"), "ci", NOON).await.unwrap();
    for name in ["dockline.sqlite", "dockline.sqlite-wal", "dockline.sqlite-shm", "dockline.sqlite-turn"] {
        assert_eq!(mode(&file.beside(name)), 0o600, "{name}");
    }
    let copy = file.beside("copy.sqlite");
    database.backup(&copy).await.unwrap();
    assert_eq!(mode(&copy), 0o600);
}

#[tokio::test]
async fn file_in_a_missing_folder_or_on_a_read_only_file_system_is_refused() {
    let file = TestFile::new();
    for path in [file.beside("missing/dockline.sqlite"), "/proc/dockline.sqlite".into()] {
        let refused = SqliteDatabase::open(&path).await.unwrap_err();
        assert!(matches!(refused, OpenError::Io(_)), "{refused:?}");
    }
    assert_eq!(fs::read_dir(file.beside("")).unwrap().count(), 0);
}
