//! Purges of large and of locked tables. The suite tests which rows are deleted.

use dockline::PortName;
use dockline::ports::{Housekeeping, StateStore};
use dockline_postgres::{AppNumber, Database, PgHousekeeping, PgStateStore};
use time::Duration;

use crate::fixtures::{NOON, state};
use crate::test_database;
use crate::test_schema::session_in;

const MONTH: Duration = Duration::days(30);

/// Three rows of each table that can be deleted, at the start, in the middle and at the end of more than a thousand pages.
async fn spread(database: &Database) {
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "INSERT INTO installers SELECT n, 77, '2026-06-01 12:00Z' FROM generate_series(1, 160000) AS n; \
             DELETE FROM installers WHERE installation_id NOT IN (1, 80000, 160000); \
             INSERT INTO budgets SELECT lpad(n::text, 16, '0'), 'read-light', 1, 60000000, 0, 0, 0 \
              FROM generate_series(1, 60000) AS n; \
             DELETE FROM budgets WHERE key::integer NOT IN (1, 30000, 60000)",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn large_tables_are_purged_in_parts() {
    let (_guard, database) = test_database::database().await;
    spread(&database).await;
    let housekeeping = PgHousekeeping::new(&database);
    let first = housekeeping.purge(NOON + MONTH + Duration::DAY, 10).await.unwrap();
    assert!(first.installers == 1 && first.buckets == 1 && first.unread, "{first:?}");
    let mut purged = first;
    let mut rows = (0, 0);
    while purged.any() {
        rows = (rows.0 + purged.installers, rows.1 + purged.buckets);
        purged = housekeeping.purge(NOON + MONTH + Duration::DAY, 10).await.unwrap();
    }
    assert_eq!(rows, (3, 3));
}

/// A full batch leaves rows on the same pages, which the next one reads again.
#[tokio::test]
async fn the_port_reports_zero_only_if_nothing_is_left() {
    let (_guard, database) = test_database::database().await;
    spread(&database).await;
    session_in(database.schema())
        .await
        .batch_execute(
            "INSERT INTO installers SELECT n, 77, '2026-06-01 12:00Z' FROM generate_series(160001, 160003) AS n",
        )
        .await
        .unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    let port: &dyn Housekeeping = &housekeeping;
    let mut rows = 0;
    loop {
        match port.purge(NOON + MONTH + Duration::DAY, 1).await.unwrap() {
            0 => break,
            number => rows += number,
        }
    }
    assert_eq!(rows, 9);
    assert_eq!(housekeeping.purge(NOON + MONTH + Duration::DAY, 10).await.unwrap().installers, 0);
}

/// Otherwise a table that is too slow would let all others grow.
#[tokio::test]
async fn a_kind_that_fails_does_not_keep_the_others_from_being_purged() {
    let (_guard, database) = test_database::database().await;
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    states.put(state("org_a", "a")).await.unwrap();
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "ALTER TABLE install_states RENAME TO hidden; \
             INSERT INTO budgets VALUES ('0123456789ABCDEF', 'read-light', 1, 60000000, 0, 0, 0)",
        )
        .await
        .unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    assert_eq!(housekeeping.purge(NOON, 10).await.unwrap_err().port(), PortName::StateStore);
    let left = session.query_one("SELECT count(*) FROM budgets", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn locked_rows_are_skipped() {
    let (_guard, database) = test_database::database().await;
    PgStateStore::new(&database.with_app(AppNumber::FIRST)).put(state("org_a", "a")).await.unwrap();
    let session = session_in(database.schema()).await;
    session.batch_execute("BEGIN; SELECT FROM install_states FOR UPDATE").await.unwrap();
    let housekeeping = PgHousekeeping::new(&database);
    assert!(!housekeeping.purge(NOON + Duration::days(9), 10).await.unwrap().any());
    session.batch_execute("COMMIT").await.unwrap();
    assert!(housekeeping.purge(NOON + Duration::days(9), 10).await.unwrap().any());
}
