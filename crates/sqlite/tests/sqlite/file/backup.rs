//! Copies of a file that is in use.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dockline::OutboxBounds;
use dockline::ports::{BindingRepo, Outbox};
use dockline_sqlite::{AppNumber, BackupError, CheckError, SqliteBindingRepo, SqliteDatabase, SqliteOutbox};

use crate::fixtures::{binding, organization};
use crate::test_database::database;

#[tokio::test(flavor = "multi_thread")]
async fn backup_during_writes_is_of_one_instant_and_has_all_that_was_acknowledged_before() {
    let (file, database) = database().await;
    let app = database.with_app(AppNumber::FIRST);
    SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    let bindings = SqliteBindingRepo::new(&app);
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writing = tokio::spawn({
        let (bindings, acknowledged) = (bindings.clone(), Arc::clone(&acknowledged));
        async move {
            for number in 1.. {
                bindings.insert(binding(&format!("org_{number}"), number, "state")).await.unwrap();
                acknowledged.store(number, Ordering::SeqCst);
            }
        }
    });
    for round in 0..3 {
        while acknowledged.load(Ordering::SeqCst) < 50 * (round + 1) {
            tokio::task::yield_now().await;
        }
        let before = acknowledged.load(Ordering::SeqCst);
        let copy = file.beside(&format!("copy-{round}.sqlite"));
        database.backup(&copy).await.unwrap();
        // Opening checks the file.
        let copied = SqliteDatabase::open(&copy).await.unwrap().with_app(AppNumber::FIRST);
        let (bindings, outbox) =
            (SqliteBindingRepo::new(&copied), SqliteOutbox::new(&copied, OutboxBounds::default()));
        let messages = outbox.backlog().await.unwrap().waiting;
        assert!(messages >= before, "{messages} of {before}");
        for (number, expected) in [(1, true), (messages, true), (messages + 1, false)] {
            let found = bindings.find(&organization(&format!("org_{number}"))).await.unwrap();
            assert_eq!(found.is_some(), expected, "{number} of {messages}");
        }
    }
    writing.abort();
}

#[tokio::test]
async fn backup_replaces_no_file_and_leaves_none_if_it_fails() {
    let (file, database) = database().await;
    let taken = file.beside("taken");
    fs::write(&taken, "mine").unwrap();
    for path in [taken.clone(), file.path()] {
        let refused = database.backup(&path).await.unwrap_err();
        assert!(matches!(refused, BackupError::Exists), "{refused:?}");
    }
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    let refused = database.backup(file.beside("missing/copy")).await.unwrap_err();
    assert!(matches!(refused, BackupError::Io(_)), "{refused:?}");
    database.backup(file.beside("copy")).await.unwrap();
    let mut names: Vec<_> =
        fs::read_dir(file.beside("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["copy", "dockline.sqlite", "dockline.sqlite-shm", "dockline.sqlite-wal", "taken"]);
}

#[tokio::test]
async fn checkpoint_makes_the_file_complete_by_itself() {
    let (file, database) = database().await;
    let bindings = SqliteBindingRepo::new(&database.with_app(AppNumber::FIRST));
    bindings.insert(binding("org_1", 1, "state")).await.unwrap();
    let log = file.beside("dockline.sqlite-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0);
    database.checkpoint().await.unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    fs::copy(file.path(), file.beside("copy.sqlite")).unwrap();
    let copied = SqliteDatabase::open(file.beside("copy.sqlite")).await.unwrap();
    let bindings = SqliteBindingRepo::new(&copied.with_app(AppNumber::FIRST));
    assert!(bindings.find(&organization("org_1")).await.unwrap().is_some());
}

#[tokio::test]
async fn check_passes_while_the_file_is_in_its_place() {
    let (file, database) = database().await;
    database.check().await.unwrap();
    fs::rename(file.path(), file.beside("moved.sqlite")).unwrap();
    assert!(matches!(database.check().await, Err(CheckError::Removed)));
    fs::copy(file.beside("moved.sqlite"), file.path()).unwrap();
    assert!(matches!(database.check().await, Err(CheckError::Removed)), "another file");
    fs::rename(file.beside("moved.sqlite"), file.path()).unwrap();
    database.check().await.unwrap();
}
