//! Several handles and processes that use one file.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dockline::ports::{BindingRepo, KeyAdmin, KeyStore};
use dockline_sqlite::{
    AppNumber, OpenError, SealedFile, SqliteBindingRepo, SqliteDatabase, SqliteKeyStore, SqliteOptions,
};
use tokio::task::JoinSet;

use crate::fixtures::{NOON, binding, key, organization};
use crate::test_database::TestFile;

/// Inserts keys whose ids begin with `prefix`.
async fn insert_keys(database: &SqliteDatabase, prefix: u8, number: u32) {
    let keys = SqliteKeyStore::new(database);
    for number in 0..number {
        let record = key(&format!("{prefix:02}{number:014}"), "org_acme");
        assert!(keys.insert(&record, "ci", NOON).await.unwrap());
    }
}

/// On a disk, a transaction lasts much longer than the time between two of them.
#[tokio::test(flavor = "multi_thread")]
async fn commands_get_their_turn_beside_a_server_that_always_writes() {
    let file = TestFile::on_disk();
    let server = file.open().await.with_deadline(Duration::from_secs(60));
    let bindings = SqliteBindingRepo::new(&server.with_app(AppNumber::FIRST));
    let next = Arc::new(AtomicU64::new(1));
    let mut writing = JoinSet::new();
    // More than share a transaction, so that the next one begins at once.
    for _ in 0..200 {
        let (bindings, next) = (bindings.clone(), Arc::clone(&next));
        writing.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                bindings.insert(binding(&format!("org_{number}"), number, "state")).await.unwrap();
            }
        });
    }
    let mut commands = JoinSet::new();
    for prefix in 0..3 {
        let command = file.open().await;
        commands.spawn(async move { insert_keys(&command, prefix, 20).await });
    }
    while let Some(command) = commands.join_next().await {
        command.unwrap();
    }
    assert!(next.load(Ordering::Relaxed) > 200);
    writing.abort_all();
}

#[tokio::test]
async fn stopped_process_that_has_the_turn_does_not_block_writes() {
    let file = TestFile::new();
    let database = file.open().await;
    let stopped = File::open(file.beside("dockline.sqlite-turn")).unwrap();
    stopped.lock().unwrap();
    insert_keys(&database, 1, 3).await;
    stopped.unlock().unwrap();
    insert_keys(&database, 2, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_is_complete_by_itself_whenever_its_last_handle_is_dropped() {
    for number in 1..=100 {
        let file = TestFile::new();
        let first = file.open().await;
        let second = file.open().await;
        let bindings = SqliteBindingRepo::new(&first.with_app(AppNumber::FIRST));
        bindings.insert(binding("org_acme", number, "state")).await.unwrap();
        drop(bindings);
        if number % 2 == 0 {
            drop(second);
            assert!(file.beside("dockline.sqlite-wal").exists(), "{number}: it is in use");
            drop(first);
        } else {
            drop(first);
            let bindings = SqliteBindingRepo::new(&second.with_app(AppNumber::FIRST));
            assert!(bindings.find(&organization("org_acme")).await.unwrap().is_some());
            drop(bindings);
            drop(second);
        }
        for suffix in ["-wal", "-shm"] {
            assert!(!file.beside(&format!("dockline.sqlite{suffix}")).exists(), "{number}: {suffix}");
        }
    }
}

/// Runs again in a child process.
#[tokio::test]
async fn file_that_is_opened_a_second_time_is_still_in_use_for_other_processes() {
    const NAME: &str =
        "file::processes::file_that_is_opened_a_second_time_is_still_in_use_for_other_processes";
    const PATH: &str = "DOCKLINE_TEST_FILE";
    if let Some(path) = std::env::var_os(PATH) {
        let refused = SealedFile::seal(path, NOON).await.unwrap_err();
        assert!(matches!(refused, OpenError::Busy(_)), "{refused:?}");
        return;
    }
    let file = TestFile::new();
    let database = file.open().await;
    insert_keys(&database, 1, 1).await;
    // With changes in the log, the header of a file is read before it is opened.
    drop(file.open().await);
    SqliteOptions::new(file.path()).inspect().await.unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let ended = child.args(["--exact", NAME]).env(PATH, file.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    insert_keys(&database, 2, 1).await;
    drop(database);
    let keys = SqliteKeyStore::new(&file.open().await);
    let last = key("0200000000000000", "org_acme");
    assert_eq!(keys.find(&last.id).await.unwrap(), Some(last));
}
