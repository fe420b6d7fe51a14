//! A migrated schema per test, and waiting until its sessions are blocked.

use std::process::Command;
use std::time::Duration;

use dockline_postgres::{Database, Migrator, Schema, open_pool};

use crate::test_schema::{SchemaGuard, session, unused, url, url_with};

/// Returns a migrated schema and a pool of `connections` to it, whose sessions have the schema's name.
pub(crate) async fn database_of(connections: usize) -> (SchemaGuard, Database) {
    let (guard, schema) = unused();
    let url = url_with(&format!("application_name={schema}"));
    let database = Database::new(open_pool(&url.into(), connections).unwrap()).with_schema(schema);
    migrate_by_later_program(database.schema());
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
    (guard, database)
}

/// Returns two handles to a migrated schema, as two nodes have them: with a pool of four connections each.
pub(crate) async fn two_handles() -> (SchemaGuard, [Database; 2]) {
    let (guard, first) = database_of(4).await;
    let url = url_with(&format!("application_name={}", first.schema()));
    let second = Database::new(open_pool(&url.into(), 4).unwrap()).with_schema(first.schema().clone());
    (guard, [first, second])
}

pub(crate) async fn database() -> (SchemaGuard, Database) {
    database_of(8).await
}

/// Migrates the schema by the program in `DOCKLINE_LATER_PROGRAM`, if it is set. So `.ci/rollback` shows that this release works
/// on the schema of a later one.
fn migrate_by_later_program(schema: &Schema) {
    let Some(program) = std::env::var_os("DOCKLINE_LATER_PROGRAM") else { return };
    let mut migrate = Command::new(program);
    migrate.args(["migrate", "--database-schema", schema.as_str()]).env("DOCKLINE_DATABASE_URL", url());
    let migrated = migrate.output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
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
