//! Rows of another storage, imported into an empty schema.

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Observation, ObserveOutcome};
use dockline::transfer::{
    Cell, CellKind, RowDigester, TABLES, TableDigest, TableRows, TransferRow, TransferTable,
};
use dockline::{InstallationId, PortError, PortErrorKind, PortName};
use dockline_postgres::{AppNumber, Database, ImportError, PgBindingRepo, PgImport};
use serde_json::json;
use time::OffsetDateTime;

use crate::test_database::database;

/// 2026-03-01 12:00.
const NOON: i64 = 1_772_366_400_000_000;

struct Rows {
    rows: std::vec::IntoIter<TransferRow>,
    is_failing: bool,
}

#[async_trait]
impl TableRows for Rows {
    async fn next(&mut self) -> Result<Option<TransferRow>, PortError> {
        match self.rows.next() {
            None if self.is_failing => {
                Err(PortError::new(PortName::Directory, PortErrorKind::Corrupt, "the source is damaged"))
            }
            row => Ok(row),
        }
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Returns two rows of a table, with a value in every column and with as few as possible.
fn rows(table: &TransferTable) -> Vec<TransferRow> {
    let value = |row: i64, column: &str, kind: CellKind| {
        let full = row == 1;
        match (table.name, column) {
            ("apps", "id") | (_, "app") => Cell::Number(1 + if table.key == 1 { row } else { 0 }),
            ("apps", "api_base") => text("https://api.github.com"),
            (_, "organization") => text(&format!("org_{row}")),
            (_, "environment") => text("live"),
            (_, "class") => text("write-light"),
            ("installations", "status") => text("active"),
            (_, "account_kind") => text("User"),
            (_, "uninstalled_by") if table.name == "tombstone_resets" => text("deletion"),
            (_, "uninstalled_by" | "ending_since") => Cell::Null,
            (_, "proof" | "claim_proof") => text("administered"),
            (_, "claim_membership") => text("member"),
            ("outbox_entries", "status") => text(if full { "waiting" } else { "dead" }),
            ("outbox_entries", "settled_at") if full => Cell::Null,
            ("outbox_entries", "change") if full => Cell::Null,
            ("outbox_entries", "guid" | "digest" | "event" | "action") if !full => Cell::Null,
            ("api_keys", "expires_at") if full => Cell::Time(253_402_300_799_999_999),
            ("api_keys", "replaced_by") => text("key-2"),
            ("installations", "missing_since" | "missing_looks" | "missing_last") if !full => Cell::Null,
            (_, "revoked_at" | "released_at" | "released_by" | "next_look_at" | "answered") if !full => {
                Cell::Null
            }
            (_, "pending") => Cell::Json(json!([{ "ticket": "00", "visitor": 7, "n": 1.50 }])),
            (_, _) => match kind {
                CellKind::Flag => Cell::Flag(full),
                CellKind::Number => Cell::Number(100 + row),
                CellKind::Time => Cell::Time(NOON + row),
                CellKind::Text => text(&format!("é {row} \u{1f600}")),
                CellKind::Bytes if column == "holder" => Cell::Bytes(vec![9; 16]),
                CellKind::Bytes if column == "body" => Cell::Bytes(vec![0xff; 300_000]),
                CellKind::Bytes => Cell::Bytes(vec![u8::try_from(row).unwrap(); 32]),
                CellKind::Json => Cell::Json(json!({ "b": { "z": null, "a": [row, "\u{1f600}"] }, "a": -1 })),
                CellKind::Texts => Cell::Texts(vec!["a".to_owned(), "b,\"".to_owned()]),
            },
        }
    };
    let row = |number| table.columns.iter().map(|(column, kind)| value(number, column, *kind)).collect();
    vec![row(0), row(1)]
}

fn source(table: &TransferTable) -> Rows {
    Rows { rows: rows(table).into_iter(), is_failing: false }
}

fn digest(table: &TransferTable) -> TableDigest {
    let mut digester = RowDigester::new(table);
    rows(table).iter().for_each(|row| digester.add(row));
    digester.finish()
}

async fn import(database: &Database) {
    let import = PgImport::begin(database).await.unwrap();
    for table in &TABLES {
        let copied = import.copy(table, &mut source(table), |_| {}).await;
        assert_eq!(copied.unwrap_or_else(|error| panic!("{}: {error:?}", table.name)), digest(table));
    }
    import.commit().await.unwrap();
}

#[tokio::test]
async fn rows_of_every_table_have_the_same_digest_after_the_import() {
    let (_guard, database) = &database().await;
    import(database).await;
    for table in &TABLES {
        assert_eq!(PgImport::digest(database, table, |_| {}).await.unwrap(), digest(table), "{}", table.name);
    }
    let refused = PgImport::begin(database).await.unwrap_err();
    assert!(matches!(refused, ImportError::NotEmpty("apps")), "{refused:?}");
    // Every table of the schema is imported, but those that are derived or of an earlier version.
    let tables = crate::test_schema::session().await;
    let tables = tables
        .query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = $1",
            &[&database.schema().as_str()],
        )
        .await
        .unwrap();
    let mut left: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
    left.retain(|name| TABLES.iter().all(|table| table.name != name));
    left.sort();
    assert_eq!(left, ["migrations", "rate_buckets"]);
}

#[tokio::test]
async fn missing_bindings_count_towards_the_bound_after_the_import() {
    let (_guard, database) = &database().await;
    import(database).await;
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    // The imported one has number 1, so that this one becomes the second.
    let other = InstallationId::new(100).unwrap();
    let asked_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(NOON + 60_000_000) * 1_000).unwrap();
    let observed = bindings.observe(other, Observation::Missing { asked_at }).await.unwrap();
    assert_eq!(observed.outcome, ObserveOutcome::Missing);
    let numbers = crate::test_schema::session_in(database.schema()).await;
    let numbers =
        numbers.query("SELECT denied_number FROM installations ORDER BY installation_id", &[]).await.unwrap();
    assert_eq!(numbers.iter().map(|row| row.get(0)).collect::<Vec<Option<i64>>>(), [Some(2), Some(1)]);
}

#[tokio::test]
async fn source_that_fails_leaves_the_schema_empty() {
    let (_guard, database) = &database().await;
    let importing = PgImport::begin(database).await.unwrap();
    let [first, second, ..] = &TABLES;
    importing.copy(first, &mut source(first), |_| {}).await.unwrap();
    let mut failing = Rows { rows: rows(second).into_iter(), is_failing: true };
    let failed = importing.copy(second, &mut failing, |_| {}).await.unwrap_err();
    assert!(matches!(failed, ImportError::Port(_)), "{failed:?}");
    drop(importing);
    import(database).await;
}
