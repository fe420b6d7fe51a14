//! Statement names behind a pooler that shares server connections among processes, and the probe that recognizes one.

use std::fmt::Write;
use std::time::Duration;

use dockline::ports::{KeyAdmin, KeyStore};
use dockline_postgres::tokio_postgres::{self, Client, NoTls};
use dockline_postgres::{Database, PgKeyStore, StatementMode};
use futures_util::future::join_all;

use crate::fixtures::{NOON, key};
use crate::test_schema::session;
use crate::{pgbouncer, test_database};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Returns the number of the next statement that this process prepares by name.
async fn next_number() -> usize {
    let session = session().await;
    let _held = session.prepare("SELECT 1").await.unwrap();
    let rows = session.query_typed("SELECT name FROM pg_prepared_statements", &[]).await.unwrap();
    rows.first().unwrap().get::<_, String>(0).trim_start_matches('s').parse::<usize>().unwrap() + 1
}

/// Makes the names that this process will take the names of other statements, on one of the pooler's two connections, as a
/// second process does that prepared other statements.
async fn occupy_names(pooler: &str) {
    let first = next_number().await;
    let mut statements = String::new();
    for number in first..first + 5_000 {
        write!(statements, "PREPARE s{number}(text) AS SELECT 'x'::text WHERE $1 = 'no key';").unwrap();
    }
    // The transaction holds the other connection.
    let busy = connect(pooler).await;
    busy.batch_execute("BEGIN").await.unwrap();
    connect(pooler).await.batch_execute(&statements).await.unwrap();
    busy.batch_execute("COMMIT").await.unwrap();
}

/// Looks a key up, eight times at once. Returns how often it was not found.
async fn misses(database: &Database) -> usize {
    let keys = PgKeyStore::new(database);
    let id = key("0123456789ABCDEF", "org_a").id;
    let found = join_all((0..8).map(|_| keys.find(&id))).await;
    found.into_iter().filter(|found| !matches!(found, Ok(Some(_)))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_no_call_gets_the_rows_of_another_processs_statement() {
    let (pooled, database) = pgbouncer::database().await;
    let record = key("0123456789ABCDEF", "org_a");
    assert!(PgKeyStore::new(&database).insert(&record, "", NOON).await.unwrap());
    occupy_names(&pooled.url).await;
    for _ in 0..50 {
        assert_eq!(misses(&database).await, 0);
    }
    // The check can fail: with named statements answers are wrong.
    let named = database.clone().with_statement_mode(StatementMode::Prepared);
    let mut wrong = 0;
    for _ in 0..500 {
        wrong += misses(&named).await;
        if wrong > 0 {
            break;
        }
    }
    assert!(wrong > 0, "no collision was provoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_prepared_on_direct_connections_only() {
    let (_guard, direct) = test_database::database_of(1).await;
    let (_pooled, pooled) = pgbouncer::database().await;
    for (database, prepared) in [(direct, true), (pooled, false)] {
        for _ in 0..2 {
            assert_eq!(misses(&database).await, 8);
        }
        let client = database.pool().get().await.unwrap();
        assert_eq!(client.statement_cache.size() > 0, prepared);
    }
}

#[tokio::test]
async fn a_probe_returns_the_servers_settings_and_a_round_trip() {
    let (_guard, database) = test_database::database_of(1).await;
    let facts = database.probe().await.unwrap();
    let row = session()
        .await
        .query_one("SELECT current_setting('server_version'), current_setting('max_connections')", &[])
        .await
        .unwrap();
    assert_eq!(facts.version, row.get::<_, String>(0));
    assert_eq!(facts.max_connections.to_string(), row.get::<_, String>(1));
    // `DATABASE_URL` of `cargo xtask` has `sslmode=disable`; another one may encrypt.
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let client = database.pool().get().await.unwrap();
    assert_eq!(facts.encrypted, Some(client.query_one(encrypted, &[]).await.unwrap().get(0)));
    assert!(facts.round_trip > Duration::ZERO);
    assert_eq!((facts.encoding.as_str(), facts.pooled), ("UTF8", false));
    let (_pooled, behind) = pgbouncer::database().await;
    assert!(behind.probe().await.unwrap().pooled);
}
