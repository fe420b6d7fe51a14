//! Copies of a file that is in use.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dockline::ports::{BindingRepo, DeliveryOutcome, DeliveryStore, Outbox};
use dockline::{AppId, DeliveryGuid, OutboxBounds, VerifiedDelivery};
use dockline_sqlite::{
    AppNumber, BackupError, CheckError, SqliteBindingRepo, SqliteDatabase, SqliteOptions, SqliteOutbox,
};

use crate::fixtures::{NOON, binding, organization};
use crate::test_database::{TestFile, database};

fn ping(body: &[u8]) -> VerifiedDelivery<'_> {
    VerifiedDelivery {
        app: AppId::new(1).unwrap(),
        installation: None,
        event: "ping",
        action: None,
        guid: DeliveryGuid::new("a-ping").unwrap(),
        received_at: NOON,
        body,
    }
}

/// The files of an open database.
const LIVE: [&str; 4] =
    ["dockline.sqlite", "dockline.sqlite-shm", "dockline.sqlite-turn", "dockline.sqlite-wal"];

/// Returns the sorted names in the folder.
fn names(file: &TestFile) -> Vec<String> {
    let entries = fs::read_dir(file.beside("")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

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
    let expected = [&["copy"], &LIVE[..], &["taken"]].concat();
    assert_eq!(names(&file), expected);
}

#[tokio::test]
async fn backup_has_neither_free_pages_nor_what_was_deleted() {
    let (file, database) = database().await;
    let app = database.with_app(AppNumber::FIRST);
    let outbox = SqliteOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    let body = b"canary-7f3a ".repeat(200_000);
    assert_eq!(outbox.store(ping(&body)).await.unwrap(), DeliveryOutcome::Stored);
    database.backup(file.beside("with-body")).await.unwrap();
    outbox.close().await.unwrap();
    database.checkpoint().await.unwrap();
    let has_body = |path: &Path| fs::read(path).unwrap().windows(11).any(|found| found == b"canary-7f3a");
    assert!(has_body(&file.path()), "freed pages keep their content");
    let facts = SqliteOptions::new(file.path()).inspect().await.unwrap();
    assert!(facts.free_bytes > 2_000_000 && facts.bytes > facts.free_bytes, "{facts:?}");

    let copy = file.beside("without-body");
    database.backup(&copy).await.unwrap();
    assert!(has_body(&file.beside("with-body")) && !has_body(&copy));
    assert!(fs::metadata(&copy).unwrap().len() <= facts.bytes - facts.free_bytes);
    // It is complete: of this program, of the same version, and without damage.
    let copied = SqliteOptions::new(&copy).inspect().await.unwrap();
    assert_eq!((copied.version, copied.free_bytes), (facts.version, 0));
}

#[tokio::test]
async fn interrupted_backup_leaves_nothing() {
    let (file, database) = database().await;
    let stopped = database.backup_until(file.beside("copy"), std::future::ready(())).await;
    assert!(matches!(stopped, Err(BackupError::Interrupted)), "{stopped:?}");
    assert_eq!(names(&file), LIVE);
}

#[cfg(unix)]
#[tokio::test]
async fn rest_of_a_killed_backup_is_replaced_and_never_written_to() {
    let (file, database) = database().await;
    let (earlier, mine) = (file.beside("earlier"), file.beside("mine"));
    database.backup(&earlier).await.unwrap();
    let copied = fs::read(&earlier).unwrap();
    fs::write(&mine, "mine").unwrap();
    // As a backup that was killed between getting its name and losing the other one.
    fs::hard_link(&earlier, file.beside("first-partial")).unwrap();
    std::os::unix::fs::symlink(&mine, file.beside("second-partial")).unwrap();
    fs::write(file.beside("third-partial"), "half of a copy").unwrap();
    for name in ["first", "second", "third"] {
        database.backup(file.beside(name)).await.unwrap();
        assert_eq!(fs::read(file.beside(name)).unwrap(), copied, "{name}");
        assert!(!file.beside(&format!("{name}-partial")).exists(), "{name}");
    }
    assert_eq!((fs::read(&earlier).unwrap(), fs::read(&mine).unwrap()), (copied, b"mine".to_vec()));
    // A link that leads nowhere is a file in the way, too.
    std::os::unix::fs::symlink(file.beside("nowhere"), file.beside("link")).unwrap();
    let refused = database.backup(file.beside("link")).await.unwrap_err();
    assert!(matches!(refused, BackupError::Exists), "{refused:?}");
    assert!(!file.beside("nowhere").exists());
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
