//! On a real server, with further migrations than those there are.

use tokio::task::JoinSet;

use super::{Applied, MIGRATIONS, Migration, MigrationError, Migrator};
use crate::fresh::{self, Fresh};
use crate::open_pool;
use crate::schema::Schema;

const FIRST: Migration = Migration { name: "0001_first", sql: include_str!("0001_first.sql") };
const LIFE: Migration = Migration { name: "0002_life", sql: include_str!("0002_life.sql") };
const KEYS: Migration = Migration { name: "0003_keys", sql: include_str!("0003_keys.sql") };

/// One that has to look at every row, as a next one might.
const NEXT: Migration = Migration {
    name: "0004_test",
    sql: "ALTER TABLE api_keys ADD COLUMN note text NOT NULL DEFAULT ''; \
        UPDATE api_keys SET note = name; \
        CREATE UNIQUE INDEX api_keys_note ON api_keys (note);",
};

/// Half of it works.
const BROKEN: Migration =
    Migration { name: "0004_broken", sql: "CREATE TABLE half (id bigint); INSERT INTO nowhere VALUES (1);" };

fn migrator(schema: &Schema) -> Migrator {
    Migrator::new(open_pool(&fresh::url().into(), 2).unwrap(), schema.clone())
}

/// Eight instances with a pool each, all at once; how many of them did it.
async fn all_at_once(schema: &Schema, known: &'static [Migration], from: u32) -> usize {
    let to = u32::try_from(known.len()).unwrap();
    let mut instances = JoinSet::new();
    for _ in 0..8 {
        let migrator = migrator(schema);
        instances.spawn(async move { migrator.run_known(known).await });
    }
    let applied: Vec<_> = instances.join_all().await.into_iter().map(Result::unwrap).collect();
    let work = applied.iter().filter(|applied| **applied == Applied { from, to }).count();
    let found_done = applied.iter().filter(|applied| **applied == Applied { from: to, to }).count();
    assert_eq!(work + found_done, 8, "{applied:?}");
    work
}

async fn at(known: &[Migration]) -> (Fresh, Schema) {
    let (fresh, schema) = fresh::name();
    migrator(&schema).run_known(known).await.unwrap();
    (fresh, schema)
}

/// I26
#[tokio::test(flavor = "multi_thread")]
async fn eight_instances_at_once_make_an_empty_schema_once() {
    let (_fresh, schema) = fresh::name();
    assert_eq!(all_at_once(&schema, MIGRATIONS, 0).await, 1);
    migrator(&schema).check().await.unwrap();
}

/// I26
#[tokio::test(flavor = "multi_thread")]
async fn eight_instances_at_once_bring_an_old_schema_with_rows_up_to_date_once() {
    let (_fresh, schema) = at(MIGRATIONS).await;
    let session = fresh::session_in(&schema).await;
    session
        .batch_execute(
            "INSERT INTO api_keys SELECT lpad(n::text, 16, '0'), 'live', sha256(n::text::bytea), 'org', 'Org', \
             'key ' || n, '{}', 'standard', 1, 1, 1, '{}', '2026-03-01 12:00Z' FROM generate_series(1, 1000) AS n",
        )
        .await
        .unwrap();
    assert_eq!(all_at_once(&schema, &[FIRST, LIFE, KEYS, NEXT], 3).await, 1);
    let kept: i64 =
        session.query_one("SELECT count(*) FROM api_keys WHERE note = name", &[]).await.unwrap().get(0);
    assert_eq!(kept, 1_000);
}

/// I26: the first release's schema, with bound, unbound and ended installations in it, and the sweep's index over them.
#[tokio::test]
async fn the_first_schema_with_rows_gains_what_a_bindings_life_needs() {
    let (_fresh, schema) = at(&[FIRST]).await;
    let session = fresh::session_in(&schema).await;
    session
        .batch_execute(
            "INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
              verified_at, generation) \
             SELECT n, CASE WHEN n % 2 = 0 THEN 'org_' || n END, n, 'account', 'User', \
              CASE WHEN n % 10 = 0 THEN 'uninstalled' ELSE 'active' END, '2026-03-01 12:00Z', n \
             FROM generate_series(1, 1000) AS n; \
             INSERT INTO installations (installation_id, status, verified_at, generation) \
             VALUES (1001, 'uninstalled', '2026-03-01 12:00Z', 1)",
        )
        .await
        .unwrap();
    let rows = "SELECT md5(string_agg(i::text, ',' ORDER BY installation_id)) FROM installations AS i";
    let before: String = session.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 1, to: 3 });
    let after: String = session.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(before, after);
    let indexed: f32 = session
        .query_one("SELECT reltuples FROM pg_class WHERE oid = 'installations_unverified'::regclass", &[])
        .await
        .unwrap()
        .get(0);
    assert!((indexed - 400.0).abs() < 0.5, "{indexed} of 500 bound, 100 of them uninstalled");
    let noted: i64 = session.query_one("SELECT count(*) FROM installers", &[]).await.unwrap().get(0);
    assert_eq!(noted, 0);
}

/// I26: keys that were made before keys could expire are in force for ever, as they were.
#[tokio::test]
async fn keys_of_the_second_schema_stay_as_they_are() {
    let (_fresh, schema) = at(&[FIRST, LIFE]).await;
    let session = fresh::session_in(&schema).await;
    session
        .batch_execute(
            "INSERT INTO api_keys SELECT lpad(n::text, 16, '0'), 'live', sha256(n::text::bytea), 'org', 'Org', \
             'key ' || n, '{}', 'standard', 1, 1, 1, '{}', '2026-03-01 12:00Z', \
             CASE WHEN n % 2 = 0 THEN timestamptz '2026-03-02 12:00Z' END FROM generate_series(1, 100) AS n",
        )
        .await
        .unwrap();
    let rows = "SELECT md5(string_agg((id, secret_hash, organization, name, created_at, revoked_at)::text, ',' ORDER BY id)) \
        FROM api_keys";
    let before: String = session.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 2, to: 3 });
    let after: String = session.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(before, after);
    let untouched =
        "SELECT count(*) FROM api_keys WHERE num_nulls(expires_at, replaced_by, last_used_at) = 3";
    let untouched: i64 = session.query_one(untouched, &[]).await.unwrap().get(0);
    assert_eq!(untouched, 100);
}

#[tokio::test]
async fn a_schema_that_is_newer_is_refused_and_left_alone() {
    let (_fresh, schema) = at(&[FIRST, LIFE, KEYS, NEXT]).await;
    for refused in [migrator(&schema).run().await.map(drop), migrator(&schema).check().await] {
        assert!(matches!(refused, Err(MigrationError::Newer { found: 4, known: 3 })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_schema_that_is_behind_or_missing_is_pending() {
    let (_fresh, schema) = fresh::name();
    let pending = migrator(&schema).check().await;
    assert!(matches!(pending, Err(MigrationError::Pending { found: 0, known: 3 })), "{pending:?}");
    migrator(&schema).run_known(&[FIRST]).await.unwrap();
    let pending = migrator(&schema).check().await;
    assert!(matches!(pending, Err(MigrationError::Pending { found: 1, known: 3 })), "{pending:?}");
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 1, to: 3 });
    migrator(&schema).check().await.unwrap();
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 3, to: 3 });
}

#[tokio::test]
async fn a_migration_that_was_applied_with_another_text_is_refused() {
    let (_fresh, schema) = at(&[FIRST]).await;
    let changed = Migration { name: FIRST.name, sql: "SELECT 1" };
    let refused = migrator(&schema).run_known(&[changed]).await;
    assert!(matches!(refused, Err(MigrationError::Changed { version: 1 })), "{refused:?}");
}

#[tokio::test]
async fn a_migration_that_fails_halfway_leaves_nothing() {
    let (_fresh, schema) = at(MIGRATIONS).await;
    let failed = migrator(&schema).run_known(&[FIRST, LIFE, KEYS, BROKEN]).await;
    assert!(matches!(failed, Err(MigrationError::Failed(_))), "{failed:?}");
    let session = fresh::session_in(&schema).await;
    let half: bool = session.query_one("SELECT to_regclass('half') IS NOT NULL", &[]).await.unwrap().get(0);
    assert!(!half);
    migrator(&schema).check().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_never_free_is_not_waited_for_for_ever() {
    let (_fresh, schema) = fresh::name();
    let holder = fresh::session().await;
    holder.query("SELECT pg_advisory_lock($1)", &[&super::lock_key(&schema)]).await.unwrap();
    let short = std::time::Duration::from_millis(300);
    let late = migrator(&schema).with_deadline(short).run().await;
    assert!(matches!(late, Err(MigrationError::Deadline(_))), "{late:?}");
}

/// A role that may use a schema made for it need not be allowed to make any.
#[tokio::test]
async fn a_schema_that_is_there_and_empty_is_filled() {
    let (_fresh, schema) = fresh::name();
    let role = format!("{schema}_role");
    let admin = fresh::session().await;
    admin
        .batch_execute(&format!("CREATE ROLE {role}; CREATE SCHEMA {schema} AUTHORIZATION {role}"))
        .await
        .unwrap();
    let url = fresh::url_with(&format!("options=-c%20role%3D{role}"));
    let applied = Migrator::new(open_pool(&url.into(), 1).unwrap(), schema.clone()).run().await;
    admin.batch_execute(&format!("DROP SCHEMA {schema} CASCADE; DROP ROLE {role}")).await.unwrap();
    assert_eq!(applied.unwrap(), Applied { from: 0, to: 3 });
}

/// Every column says what it is for.
#[tokio::test]
async fn every_table_and_column_has_a_comment() {
    let (_fresh, schema) = at(MIGRATIONS).await;
    let session = fresh::session().await;
    let bare = session
        .query(
            "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped \
             AND (a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)",
            &[&schema.as_str()],
        )
        .await
        .unwrap();
    let bare: Vec<String> = bare.iter().map(|row| row.get(0)).collect();
    assert!(bare.is_empty(), "{bare:?}");
}
