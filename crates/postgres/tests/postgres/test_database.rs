//! A migrated schema per test, and waiting until its sessions are blocked.

use std::time::Duration;

use dockline_postgres::{Database, Migrator, Schema, open_pool};

use crate::test_schema::{SchemaGuard, session, unused, url_with};

/// Returns a migrated schema and a pool of `connections` to it, whose sessions have the schema's name.
pub(crate) async fn database_of(connections: usize) -> (SchemaGuard, Database) {
    let (guard, schema) = unused();
    let url = url_with(&format!("application_name={schema}"));
    let database = Database::new(open_pool(&url.into(), connections).unwrap()).with_schema(schema);
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
    (guard, database)
}

pub(crate) async fn database() -> (SchemaGuard, Database) {
    database_of(8).await
}

/// Returns as soon as `number` of the schema's sessions wait for a lock.
pub(crate) async fn until_blocked(schema: &Schema, number: i64) {
    let session = session().await;
    for _ in 0..1_000 {
        let waiting: i64 = session
            .query_one(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'",
                &[&schema.as_str()],
            )
            .await
            .unwrap()
            .get(0);
        if waiting >= number {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("fewer than {number} sessions wait for a lock");
}
