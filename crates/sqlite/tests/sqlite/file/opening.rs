//! Which files are opened.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use dockline::PortErrorKind;
use dockline::ports::{KeyAdmin, KeyStore};
use dockline_sqlite::{OpenError, SealedFile, SqliteDatabase, SqliteKeyStore, SqliteOptions};
use rusqlite::Connection;

use crate::fixtures::{NOON, key};
use crate::test_database::TestFile;

async fn refusal(file: &TestFile) -> OpenError {
    SqliteDatabase::open(file.path()).await.unwrap_err()
}

#[tokio::test]
async fn file_of_another_program_is_refused_and_not_changed() {
    let file = TestFile::new();
    fs::write(
        file.path(),
        "a text of another program, which is longer than the head of a database\n".repeat(20),
    )
    .unwrap();
    let text = fs::read(file.path()).unwrap();
    assert!(matches!(refusal(&file).await, OpenError::NotSqlite));
    assert_eq!(fs::read(file.path()).unwrap(), text);

    for application_id in [0, 7] {
        let file = TestFile::new();
        let connection = Connection::open(file.path()).unwrap();
        connection.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        connection.pragma_update(None, "application_id", application_id).unwrap();
        drop(connection);
        let database = fs::read(file.path()).unwrap();
        let refused = refusal(&file).await;
        assert!(matches!(refused, OpenError::Foreign { application_id: found } if found == application_id));
        assert_eq!(fs::read(file.path()).unwrap(), database);
    }
}

#[tokio::test]
async fn file_of_another_build_is_refused() {
    let file = TestFile::new();
    drop(file.open().await);
    let connection = Connection::open(file.path()).unwrap();
    connection.execute_batch("UPDATE migrations SET checksum = zeroblob(32)").unwrap();
    let refused = refusal(&file).await;
    assert!(matches!(refused, OpenError::Changed { version: 1 }), "{refused:?}");
}

#[tokio::test]
async fn file_of_a_later_release_is_used_if_all_its_migrations_allow_it_and_refused_otherwise() {
    let file = TestFile::new();
    drop(file.open().await);
    let connection = Connection::open(file.path()).unwrap();
    let known: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let later = |version: u32, oldest_program: u32| {
        let sql = "INSERT OR REPLACE INTO migrations (version, checksum, oldest_program, applied_by) \
            VALUES (?1, zeroblob(32), ?2, ?3)";
        let release = format!("0.{version}.0");
        connection.execute(sql, (version, oldest_program, release)).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
    };
    let refused_by = |release: &str, refused: &OpenError| {
        let text = refused.to_string();
        assert!(matches!(refused, OpenError::Newer { known: ours, .. } if *ours == known), "{refused:?}");
        assert!(text.contains(&format!("by release {release}")), "{text}");
        assert!(text.contains("run a later release"), "{text}");
    };
    connection.execute_batch("ALTER TABLE api_keys ADD COLUMN note TEXT").unwrap();
    later(known + 1, known);
    later(known + 2, known);
    let record = key("0123456789ABCDEF", "org_acme");
    let keys = SqliteKeyStore::new(&file.open().await);
    assert!(keys.insert(&record, "ci", NOON).await.unwrap());
    assert_eq!(keys.find(&record.id).await.unwrap(), Some(record));
    drop(keys);
    // A copy of all rows would lack the columns that this program does not know.
    let refused = SealedFile::seal(file.path(), NOON).await.unwrap_err();
    refused_by(&format!("0.{}.0", known + 2), &refused);

    later(known + 1, known + 1);
    later(known + 2, known);
    refused_by(&format!("0.{}.0", known + 2), &refusal(&file).await);
    later(known + 1, known);
    later(known + 2, known + 1);
    refused_by(&format!("0.{}.0", known + 2), &refusal(&file).await);
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, known + 2);

    connection.execute("DELETE FROM migrations WHERE version > ?1", [known]).unwrap();
    let refused = refusal(&file).await;
    assert!(matches!(refused, OpenError::Newer { release: None, .. }), "{refused:?}");
}

#[tokio::test]
async fn damaged_page_is_found_when_the_file_is_opened_or_read() {
    let file = TestFile::new();
    let record = key("0123456789ABCDEF", "org_acme");
    let keys = SqliteKeyStore::new(&file.open().await);
    assert!(keys.insert(&record, "ci", NOON).await.unwrap());
    drop(keys);
    let connection = Connection::open(file.path()).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    let page = |name: &str| {
        let sql = "SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = ?1";
        let offset: i64 = connection.query_row(sql, [name], |row| row.get(0)).unwrap();
        SeekFrom::Start(u64::try_from(offset).unwrap())
    };
    let table = page("api_keys");
    let mut raw = OpenOptions::new().write(true).open(file.path()).unwrap();
    raw.seek(table).unwrap();
    raw.write_all(&[0xff; 512]).unwrap();
    raw.sync_all().unwrap();

    let refused = refusal(&file).await;
    assert!(matches!(refused, OpenError::Damaged(_)), "{refused:?}");
    let unchecked = SqliteOptions::new(file.path()).without_check().open().await.unwrap();
    let error = SqliteKeyStore::new(&unchecked).find(&record.id).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt, "{error:?}");
}

#[tokio::test]
async fn second_server_is_refused_until_the_first_one_ends_and_commands_are_not() {
    let file = TestFile::new();
    let server = SqliteOptions::new(file.path()).as_server().open().await.unwrap();
    let refused = SqliteOptions::new(file.path()).as_server().open().await.unwrap_err();
    let this = std::process::id();
    assert!(matches!(refused, OpenError::InUse { process: Some(process) } if process == this), "{refused:?}");
    assert!(refused.to_string().contains(&this.to_string()), "{refused}");
    let command = SqliteKeyStore::new(&file.open().await);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(command.insert(&record, "ci", NOON).await.unwrap());
    assert_eq!(SqliteKeyStore::new(&server).find(&record.id).await.unwrap(), Some(record));
    let clone = server.clone();
    drop(server);
    assert!(SqliteOptions::new(file.path()).as_server().open().await.is_err());
    drop(clone);
    SqliteOptions::new(file.path()).as_server().open().await.unwrap();
}

// I26
#[tokio::test]
async fn several_processes_that_start_together_create_the_tables_once() {
    for _ in 0..5 {
        let file = TestFile::new();
        let starts: Vec<_> = (0..4).map(|_| tokio::spawn(SqliteOptions::new(file.path()).open())).collect();
        for start in starts {
            start.await.unwrap().unwrap();
        }
    }
}
