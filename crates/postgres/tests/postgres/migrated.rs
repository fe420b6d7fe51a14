//! A fresh schema with the tables in it, and a look at who waits for whom there.

use std::time::Duration;

use dockline_postgres::{Database, Migrator, Schema, open_pool};

use crate::fresh::{Fresh, name, session, url_with};

/// A migrated schema and a pool of `connections` of its own, whose sessions carry the schema's name.
pub(crate) async fn database_of(connections: usize) -> (Fresh, Database) {
    let (fresh, schema) = name();
    let url = url_with(&format!("application_name={schema}"));
    let database = Database::new(open_pool(&url.into(), connections).unwrap()).with_schema(schema);
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
    (fresh, database)
}

pub(crate) async fn database() -> (Fresh, Database) {
    database_of(8).await
}

/// Returns once `number` of the schema's sessions wait for a lock.
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
    panic!("nobody waits for a lock");
}
