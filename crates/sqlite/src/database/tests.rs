//! Calls that never end, panic or fail, and what becomes of the others.

use std::num::NonZeroUsize;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::{SqliteDatabase, SqliteOptions};
use crate::decode::{count, execute, get, rows};
use crate::error::SqliteError;

const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

/// A file with one connection of each kind, so that a call that holds it would keep all others waiting.
async fn open() -> (TempDir, SqliteDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("dockline.sqlite")).with_readers(NonZeroUsize::MIN);
    (folder, options.open().await.unwrap())
}

fn insert(connection: &Connection, base: &'static str) -> Result<(), SqliteError> {
    let sql = "INSERT INTO apps (id, api_base, app_id, added_at) SELECT coalesce(max(id), 0) + 1, ?1, 1, 0 FROM apps";
    execute(connection, sql, [base]).map(drop)
}

async fn stored(database: &SqliteDatabase) -> Vec<String> {
    let sql = "SELECT api_base FROM apps ORDER BY api_base";
    database.read(move |connection| rows(connection, sql, (), |row| get(row, "api_base"))).await.unwrap()
}

#[tokio::test]
async fn endless_statement_is_interrupted_at_its_deadline_and_keeps_no_connection() {
    let (_folder, database) = open().await;
    let impatient = database.clone().with_deadline(Duration::from_millis(100));
    let endless = |connection: &Connection| count(connection, ENDLESS, ());
    for error in [impatient.read(endless).await.unwrap_err(), impatient.write(endless).await.unwrap_err()] {
        assert!(matches!(error, SqliteError::Deadline(_)), "{error:?}");
    }
    assert_eq!(database.read(|connection| count(connection, "SELECT 7", ())).await.unwrap(), 7);
    database.write(|connection| insert(connection, "after")).await.unwrap();
    assert_eq!(stored(&database).await, ["after"]);
}

#[tokio::test]
async fn call_that_fails_panics_or_never_ends_undoes_nothing_of_those_that_share_its_transaction() {
    let (_folder, database) = open().await;
    let impatient = database.clone().with_deadline(Duration::from_millis(300));
    let (open_gate, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    // All others wait while this one runs, so that they are executed together.
    let first = database.write(move |_| Ok(gate.lock().unwrap().recv().is_ok()));
    let (opened, before, failed, panicked, endless, after, ()) = tokio::join!(
        first,
        database.write(|connection| insert(connection, "before")),
        database.write(|connection| {
            insert(connection, "failed")?;
            insert(connection, "failed")
        }),
        database.write(|connection| -> Result<(), SqliteError> {
            insert(connection, "panicked")?;
            panic!("the test wants it")
        }),
        impatient.write(|connection| {
            insert(connection, "endless")?;
            count(connection, ENDLESS, ())
        }),
        database.write(|connection| insert(connection, "after")),
        async { open_gate.send(()).unwrap() },
    );
    assert!(opened.unwrap());
    before.unwrap();
    assert!(matches!(failed.unwrap_err(), SqliteError::Sqlite(_)));
    assert!(matches!(panicked.unwrap_err(), SqliteError::Panicked));
    assert!(matches!(endless.unwrap_err(), SqliteError::Deadline(_)));
    after.unwrap();
    assert_eq!(stored(&database).await, ["after", "before"]);
}

#[tokio::test]
async fn call_whose_caller_left_before_its_turn_is_not_executed() {
    let (_folder, database) = open().await;
    let (open_gate, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let first = tokio::spawn({
        let database = database.clone();
        async move { database.write(move |_| Ok(gate.lock().unwrap().recv().is_ok())).await }
    });
    // Now the other task waits for its answer.
    tokio::task::yield_now().await;
    let impatient = database.clone().with_deadline(Duration::from_millis(50));
    impatient.write(|connection| insert(connection, "left")).await.unwrap_err();
    open_gate.send(()).unwrap();
    assert!(first.await.unwrap().unwrap());
    database.write(|connection| insert(connection, "stayed")).await.unwrap();
    assert_eq!(stored(&database).await, ["stayed"]);
}

#[tokio::test]
async fn deadline_of_any_length_is_accepted() {
    let (_folder, database) = open().await;
    let patient = database.with_deadline(Duration::MAX);
    patient.write(|connection| insert(connection, "patient")).await.unwrap();
    assert_eq!(stored(&patient).await, ["patient"]);
}
