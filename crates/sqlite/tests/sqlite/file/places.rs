//! Paths that are links, or name no file.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use dockline::ports::{KeyAdmin, KeyStore};
use dockline_sqlite::{CheckError, OpenError, SealedFile, SqliteDatabase, SqliteKeyStore, SqliteOptions};

use crate::fixtures::{NOON, key};
use crate::test_database::TestFile;

/// Every way to use a file must be refused for the same reason.
async fn assert_refused(path: &Path, is_expected: impl Fn(&OpenError) -> bool) {
    let options = || SqliteOptions::new(path);
    for refused in [
        options().open().await.map(drop),
        options().as_server().open().await.map(drop),
        options().as_command().open().await.map(drop),
        options().inspect().await.map(drop),
        SealedFile::seal(path, NOON).await.map(drop),
    ] {
        assert!(refused.as_ref().is_err_and(&is_expected), "{}: {refused:?}", path.display());
    }
}

#[tokio::test]
async fn file_has_one_lock_and_one_log_by_whatever_path_it_is_opened() {
    let file = TestFile::new();
    let link = file.beside("link.sqlite");
    symlink(file.path(), &link).unwrap();
    let server = SqliteOptions::new(&link);
    // A link to a file that is yet to be created is a mistake rather than a wish.
    assert!(matches!(server.clone().open().await.unwrap_err(), OpenError::Dangling));
    drop(file.open().await);
    let server = server.as_server().open().await.unwrap();
    assert_eq!(server.path(), link);
    let second = SqliteOptions::new(file.path()).as_server().open().await;
    assert!(matches!(second, Err(OpenError::InUse { process: Some(_) })), "{second:?}");

    let record = key("0123456789ABCDEF", "org_acme");
    assert!(SqliteKeyStore::new(&server).insert(&record, "ci", NOON).await.unwrap());
    assert_eq!(SqliteKeyStore::new(&file.open().await).find(&record.id).await.unwrap(), Some(record));
    for suffix in ["-lock", "-turn", "-wal", "-shm"] {
        assert!(!file.beside(&format!("link.sqlite{suffix}")).exists(), "{suffix}");
    }
    server.backup(file.beside("copy.sqlite")).await.unwrap();
    server.check().await.unwrap();
    // The next start would use another file.
    fs::remove_file(&link).unwrap();
    symlink(file.beside("copy.sqlite"), &link).unwrap();
    assert!(matches!(server.check().await, Err(CheckError::Removed)));
}

#[tokio::test]
async fn path_that_names_no_file_is_refused() {
    let file = TestFile::new();
    let (folder, socket, dangling) = (file.beside("folder"), file.beside("socket"), file.beside("dangling"));
    fs::create_dir(&folder).unwrap();
    let _socket = UnixListener::bind(&socket).unwrap();
    symlink(file.beside("nowhere"), &dangling).unwrap();
    for path in [&folder, &socket, Path::new("/dev/null")] {
        assert_refused(path, |error| matches!(error, OpenError::NotAFile)).await;
    }
    assert_refused(&dangling, |error| matches!(error, OpenError::Dangling)).await;
    assert!(!file.beside("nowhere").exists());
}

#[tokio::test]
async fn file_with_a_second_name_is_refused_until_that_is_removed() {
    let file = TestFile::new();
    drop(file.open().await);
    fs::hard_link(file.path(), file.beside("other.sqlite")).unwrap();
    assert_refused(&file.path(), |error| matches!(error, OpenError::Linked)).await;
    assert_refused(&file.beside("other.sqlite"), |error| matches!(error, OpenError::Linked)).await;
    fs::remove_file(file.beside("other.sqlite")).unwrap();
    file.open().await;
}

/// As root, a process could be made to give another file to the owner of the database.
#[tokio::test]
async fn lock_that_is_a_link_is_refused_and_what_it_names_is_not_touched() {
    let file = TestFile::new();
    drop(file.open().await);
    let (turn, lock) = (file.beside("dockline.sqlite-turn"), file.beside("dockline.sqlite-lock"));
    let named = file.beside("named");
    for (path, is_server) in [(&turn, false), (&lock, true)] {
        for content in [None, Some("mine")] {
            let options = || SqliteOptions::new(file.path());
            let open =
                || if is_server { options().as_server().open() } else { options().as_command().open() };
            drop(fs::remove_file(path));
            symlink(&named, path).unwrap();
            if let Some(content) = content {
                fs::write(&named, content).unwrap();
            }
            let refused = open().await.unwrap_err();
            assert!(matches!(refused, OpenError::Io(_)), "{}: {refused:?}", path.display());
            assert_eq!(fs::read_to_string(&named).ok().as_deref(), content);
            if content.is_some() {
                fs::remove_file(path).unwrap();
                fs::hard_link(&named, path).unwrap();
                let refused = open().await.unwrap_err();
                assert!(matches!(refused, OpenError::Io(_)), "{}: {refused:?}", path.display());
                assert_eq!(fs::read_to_string(&named).unwrap(), "mine");
                fs::remove_file(&named).unwrap();
            }
            fs::remove_file(path).unwrap();
            drop(open().await.unwrap());
        }
    }
}

#[tokio::test]
async fn log_whose_file_is_missing_or_empty_is_kept() {
    let file = TestFile::new();
    let database = file.open().await;
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(SqliteKeyStore::new(&database).insert(&record, "ci", NOON).await.unwrap());
    // As a crash leaves them.
    let (path, log) = (file.beside("crashed.sqlite"), file.beside("crashed.sqlite-wal"));
    fs::copy(file.beside("dockline.sqlite-wal"), &log).unwrap();
    let written = fs::read(&log).unwrap();
    let is_only_log = |error: &OpenError| matches!(error, OpenError::OnlyLog);
    assert_refused(&path, is_only_log).await;
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    assert_refused(&path, is_only_log).await;
    assert_eq!(fs::read(&log).unwrap(), written);

    fs::copy(file.path(), &path).unwrap();
    let keys = SqliteKeyStore::new(&SqliteDatabase::open(&path).await.unwrap());
    assert_eq!(keys.find(&record.id).await.unwrap(), Some(record));
}

#[tokio::test]
async fn backup_beside_the_log_of_the_file_before_is_refused() {
    let file = TestFile::new();
    let database = file.open().await;
    let backup = file.beside("backup.sqlite");
    database.backup(&backup).await.unwrap();
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(SqliteKeyStore::new(&database).insert(&record, "ci", NOON).await.unwrap());
    // As a restore leaves them if it forgets the log.
    let (path, log) = (file.beside("restored.sqlite"), file.beside("restored.sqlite-wal"));
    fs::copy(&backup, &path).unwrap();
    fs::copy(file.beside("dockline.sqlite-wal"), &log).unwrap();
    let (copied, written) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    assert_refused(&path, |error| matches!(error, OpenError::ForeignLog)).await;
    assert!(fs::read(&path).unwrap() == copied && fs::read(&log).unwrap() == written, "changed");

    fs::remove_file(&log).unwrap();
    let keys = SqliteKeyStore::new(&SqliteDatabase::open(&path).await.unwrap());
    assert_eq!(keys.find(&record.id).await.unwrap(), None);
}
