//! What notes of use cost, and what becomes of them in trouble.

use dockline::ports::KeyUsage;
use dockline_postgres::{Database, PgKeyStore, PgKeyUsage};
use dockline_testkit::fixtures::key_of;
use time::Duration;

use crate::fixtures::{NOON, key};
use crate::migrated;

/// Where a row lies: it changes with each write of it.
async fn rows(database: &Database) -> Vec<String> {
    let session = database.pool().get().await.unwrap();
    let query = format!("SELECT ctid::text FROM {}.api_keys ORDER BY id", database.schema());
    session.query(&query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_row_is_written_once_an_hour_whichever_node_comes_first() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(keys.insert(&record, "", NOON).await.unwrap());
    let nodes = [PgKeyUsage::new(&database), PgKeyUsage::new(&database)];
    let mut written = 0;
    for minute in 0..180 {
        for node in &nodes {
            node.used(&record.id, NOON + Duration::minutes(minute));
            let before = rows(&database).await;
            let changed = node.write().await.unwrap();
            assert_eq!(rows(&database).await != before, changed == 1);
            written += changed;
        }
    }
    assert_eq!(written, 3);
}

/// A node that was cut off brings what it noted long ago.
#[tokio::test]
async fn a_late_node_takes_nothing_back() {
    let (_fresh, database) = migrated::database().await;
    let keys = PgKeyStore::new(&database);
    let record = key("0123456789ABCDEF", "org_acme");
    assert!(keys.insert(&record, "", NOON).await.unwrap());
    let [late, early] = [PgKeyUsage::new(&database), PgKeyUsage::new(&database)];
    late.used(&record.id, NOON);
    early.used(&record.id, NOON + Duration::DAY);
    assert_eq!(early.write().await.unwrap(), 1);
    assert_eq!(late.write().await.unwrap(), 0);
    let told = keys.entry(&record.id).await.unwrap().unwrap().last_used_at;
    assert_eq!(told, Some(NOON + Duration::DAY));
}

#[tokio::test]
async fn what_could_not_be_written_is_written_the_next_time() {
    let (_fresh, database) = migrated::database().await;
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

/// Eight nodes that write the same thousand keys in differing orders, at once: nobody deadlocks, and each row is
/// written once.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_write_the_same_keys_at_once_do_not_get_in_one_anothers_way() {
    let (_fresh, database) = migrated::database().await;
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
