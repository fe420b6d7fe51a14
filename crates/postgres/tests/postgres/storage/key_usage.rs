//! How often rows are written, and what happens on failures and races.

use dockline::KeyId;
use dockline::ports::{KeyAdmin, KeyUsage};
use dockline_postgres::{Database, PgKeyStore, PgKeyUsage};
use dockline_testkit::fixtures::key_of;
use time::Duration;

use crate::fixtures::{NOON, key};
use crate::proxy::Proxy;
use crate::test_database::{self, until_blocked};
use crate::test_schema::session_in;

/// Returns the physical location of each row, which every update changes.
async fn locations(database: &Database) -> Vec<String> {
    let session = database.pool().get().await.unwrap();
    let query = format!("SELECT ctid::text FROM {}.api_keys ORDER BY id", database.schema());
    session.query(&query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_row_is_written_once_an_hour_by_the_first_node() {
    let (_guard, database) = test_database::database().await;
    let keys = PgKeyStore::new(&database);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(keys.insert(&record, "", NOON).await.unwrap());
    let nodes = [PgKeyUsage::new(&database), PgKeyUsage::new(&database)];
    let mut written = 0;
    for minute in 0..180 {
        for node in &nodes {
            node.used(&record.id, NOON + Duration::minutes(minute));
            let before = locations(&database).await;
            let changed = node.write().await.unwrap();
            assert_eq!(locations(&database).await != before, changed == 1);
            written += changed;
        }
    }
    assert_eq!(written, 3);
}

#[tokio::test]
async fn a_failed_write_is_repeated_by_the_next_one() {
    let (_guard, database) = test_database::database().await;
    let keys = PgKeyStore::new(&database);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(keys.insert(&record, "", NOON).await.unwrap());
    let usage = PgKeyUsage::new(&database);
    usage.used(&record.id, NOON);
    let session = database.pool().get().await.unwrap();
    let schema = database.schema();
    session.batch_execute(&format!("ALTER TABLE {schema}.api_keys RENAME TO away")).await.unwrap();
    usage.write().await.unwrap_err();
    session.batch_execute(&format!("ALTER TABLE {schema}.away RENAME TO api_keys")).await.unwrap();
    assert_eq!(usage.write().await.unwrap(), 1);
    assert_eq!(usage.write().await.unwrap(), 0);
}

/// A write waits for a lock while the key is used in the next hour.
#[tokio::test]
async fn a_use_during_a_write_is_written_by_the_next_one_and_then_no_statement_is_sent() {
    let (_guard, database) = test_database::database().await;
    let (proxy, proxied) = Proxy::to(&database, 1).await;
    let keys = PgKeyStore::new(&database);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(keys.insert(&record, "", NOON).await.unwrap());
    let usage = PgKeyUsage::new(&proxied);
    usage.used(&record.id, NOON);
    let session = session_in(database.schema()).await;
    session.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let writing = tokio::spawn({
        let usage = usage.clone();
        async move { usage.write().await.unwrap() }
    });
    until_blocked(database.schema(), 1).await;
    usage.used(&record.id, NOON + Duration::HOUR);
    session.batch_execute("COMMIT").await.unwrap();
    assert_eq!(writing.await.unwrap(), 1);
    assert_eq!(usage.write().await.unwrap(), 1);
    let last_used = keys.entry(&record.id).await.unwrap().unwrap().last_used_at;
    assert_eq!(last_used, Some(NOON + Duration::HOUR));
    proxy.round_trips();
    assert_eq!(usage.write().await.unwrap(), 0);
    assert_eq!(proxy.round_trips(), 0);
}

/// Eight nodes write the same thousand keys in different orders: without deadlocks, and each row once.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_of_the_same_keys_do_not_deadlock() {
    let (_guard, database) = test_database::database().await;
    let keys = PgKeyStore::new(&database);
    let mut ids = Vec::new();
    for seed in 0..1_000 {
        let (_, record) = key_of("org_acme", seed);
        assert!(keys.insert(&record, "", NOON).await.unwrap());
        ids.push(record.id);
    }
    for hour in 1..=5 {
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let usage = PgKeyUsage::new(&database);
            ids.iter().for_each(|id| usage.used(id, NOON + Duration::hours(hour)));
            nodes.spawn(async move { usage.write().await.unwrap() });
        }
        let written: usize = nodes.join_all().await.into_iter().sum();
        assert_eq!(written, 1_000);
    }
}

/// No index has the time of the last use, and each page has room for second versions of some rows.
#[tokio::test]
async fn writes_of_the_last_use_are_hot_updates() {
    let (_guard, database) = test_database::database_of(1).await;
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "INSERT INTO api_keys SELECT lpad(n::text, 16, '0'), 'live', sha256(n::text::bytea), 'org_' || n, \
              'Acme Coffee', 'production', '{github:admin}', 'standard', 600, 60, 5000, '{app.example.com}', \
              '2026-06-01 12:00Z' FROM generate_series(1, 1000) AS n",
        )
        .await
        .unwrap();
    let usage = PgKeyUsage::new(&database);
    for number in (1..=1_000).step_by(20) {
        usage.used(&KeyId::parse(&format!("{number:016}")).unwrap(), NOON);
    }
    assert_eq!(usage.write().await.unwrap(), 50);
    // The connection that wrote has the numbers until it reports them.
    let writing = database.pool().get().await.unwrap();
    writing.execute("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    let updates = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables \
        WHERE schemaname = $1 AND relname = 'api_keys'";
    let updates = writing.query_one(updates, &[&database.schema().as_str()]).await.unwrap();
    assert_eq!((updates.get::<_, i64>(0), updates.get::<_, i64>(1)), (50, 50));
}
