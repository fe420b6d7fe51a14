//! The migrator: what it refuses, its lock, its deadline.

use std::time::{Duration, Instant};

use super::{LATEST, NEXT, migrated_to, migrator, released_and};
use crate::migrations::{Applied, MIGRATIONS, Migration, MigrationError, Migrator, count};
use crate::open_pool;
use crate::schema::Schema;
use crate::test_schema;

/// The first eight bytes of the SHA-256 of `dockline migrations of dockline`.
const LOCK_OF_DOCKLINE: i64 = -6_254_615_218_419_058_163;

/// Its second statement fails.
const BROKEN: Migration = Migration {
    name: "later_broken",
    oldest_program: LATEST,
    sql: "CREATE TABLE half (id bigint); INSERT INTO nowhere VALUES (1);",
};

/// Of two later migrations, both must allow the program.
#[tokio::test]
async fn a_newer_schema_can_be_used_if_its_migrations_allow_it() {
    let additive =
        |name| Migration { name, oldest_program: LATEST, sql: "ALTER TABLE api_keys ADD note text" };
    let later =
        [MIGRATIONS, &[additive("next"), Migration { sql: "SELECT 1", ..additive("after_next") }]].concat();
    let (_guard, schema) = migrated_to(&later).await;
    migrator(&schema).check().await.unwrap();
    let used = migrator(&schema).run().await.unwrap();
    assert_eq!(used, Applied { from: LATEST + 2, to: LATEST + 2 });

    let session = test_schema::session_in(&schema).await;
    for version in [LATEST + 1, LATEST + 2] {
        let require = format!("UPDATE migrations SET oldest_program = {}", LATEST + 1);
        session.batch_execute(&format!("{require} WHERE version = {version}")).await.unwrap();
        assert_refused(&schema, LATEST + 2).await;
        let allow = format!("UPDATE migrations SET oldest_program = {LATEST} WHERE version > {LATEST}");
        session.batch_execute(&allow).await.unwrap();
    }
    session.batch_execute("UPDATE migrations SET oldest_program = NULL").await.unwrap();
    assert_refused(&schema, LATEST + 2).await;
}

/// The error names the release that migrated the schema.
#[tokio::test]
async fn a_newer_schema_that_does_not_allow_the_program_is_refused_and_unchanged() {
    let next = Migration { oldest_program: LATEST + 1, ..NEXT };
    let (_guard, schema) = migrated_to(released_and(next)).await;
    assert_refused(&schema, LATEST + 1).await;
}

async fn assert_refused(schema: &Schema, version: u32) {
    for refused in [migrator(schema).run().await.map(drop), migrator(schema).check().await] {
        let error = refused.unwrap_err();
        assert!(
            matches!(error, MigrationError::Newer { found, known: LATEST, .. } if found == version),
            "{error:?}"
        );
        let text = error.to_string();
        let release = format!("by release {}", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&release) && text.contains("run a later release"), "{text}");
    }
}

/// A schema whose migrations were applied before programs recorded what they allow.
#[tokio::test]
async fn a_schema_without_the_columns_gets_them_with_the_next_migration() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..2]).await;
    let session = test_schema::session_in(&schema).await;
    let drop_columns = "ALTER TABLE migrations DROP COLUMN oldest_program, DROP COLUMN applied_by";
    session.batch_execute(drop_columns).await.unwrap();
    migrator(&schema).check().await.unwrap_err();
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 2, to: LATEST });
    migrator(&schema).check().await.unwrap();
}

#[tokio::test]
async fn an_older_or_missing_schema_is_pending() {
    let (_guard, schema) = test_schema::unused();
    let pending = migrator(&schema).check().await;
    assert!(matches!(pending, Err(MigrationError::Pending { found: 0, known: LATEST })), "{pending:?}");
    migrator(&schema).migrate_to(&MIGRATIONS[..1]).await.unwrap();
    let pending = migrator(&schema).check().await;
    assert!(matches!(pending, Err(MigrationError::Pending { found: 1, known: LATEST })), "{pending:?}");
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 1, to: LATEST });
    migrator(&schema).check().await.unwrap();
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: LATEST, to: LATEST });
}

#[tokio::test]
async fn a_migration_with_another_checksum_is_refused() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..1]).await;
    let changed = Migration { sql: "SELECT 1", ..MIGRATIONS[0] };
    let refused = migrator(&schema).migrate_to(&[changed]).await;
    assert!(matches!(refused, Err(MigrationError::Changed { version: 1 })), "{refused:?}");
}

#[tokio::test]
async fn a_failed_migration_is_rolled_back() {
    let (_guard, schema) = migrated_to(MIGRATIONS).await;
    let failed = migrator(&schema).migrate_to(released_and(BROKEN)).await;
    assert!(matches!(failed, Err(MigrationError::Failed(_))), "{failed:?}");
    let session = test_schema::session_in(&schema).await;
    let half: bool = session.query_one("SELECT to_regclass('half') IS NOT NULL", &[]).await.unwrap().get(0);
    assert!(!half);
    migrator(&schema).check().await.unwrap();
}

#[tokio::test]
async fn waiting_for_the_lock_ends_at_the_deadline() {
    let (_guard, schema) = test_schema::unused();
    let holder = test_schema::session().await;
    holder.query("SELECT pg_advisory_lock($1)", &[&crate::migrations::lock_key(&schema)]).await.unwrap();
    let short = Duration::from_millis(300);
    let late = migrator(&schema).with_deadline(short).run().await;
    assert!(matches!(late, Err(MigrationError::Deadline(_))), "{late:?}");
}

/// The key must not change between releases: nodes of two releases migrate concurrently during a deployment.
#[test]
fn each_schema_has_a_lock_of_its_own_that_never_changes() {
    assert_eq!(crate::migrations::lock_key(&Schema::default()), LOCK_OF_DOCKLINE);
    assert_ne!(crate::migrations::lock_key(&Schema::new("other").unwrap()), LOCK_OF_DOCKLINE);
}

/// The role owns the schema but has no right to create schemas.
#[tokio::test]
async fn an_existing_empty_schema_is_migrated() {
    let (_guard, schema) = test_schema::unused();
    let role = format!("{schema}_role");
    let admin = test_schema::session().await;
    admin
        .batch_execute(&format!("CREATE ROLE {role}; CREATE SCHEMA {schema} AUTHORIZATION {role}"))
        .await
        .unwrap();
    let url = test_schema::url_with(&format!("options=-c%20role%3D{role}"));
    let applied = Migrator::new(open_pool(&url.into(), 1).unwrap(), schema.clone()).run().await;
    admin.batch_execute(&format!("DROP SCHEMA {schema} CASCADE; DROP ROLE {role}")).await.unwrap();
    assert_eq!(applied.unwrap(), Applied { from: 0, to: LATEST });
}

/// A backup holds ACCESS SHARE locks while it runs.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_a_migration_waits_for_a_backup() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..2]).await;
    let backup = test_schema::session_in(&schema).await;
    backup.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS SHARE MODE").await.unwrap();
    let migration = tokio::spawn({
        let schema = schema.clone();
        async move { migrator(&schema).run().await }
    });
    let caller = test_schema::session_in(&schema).await;
    let started = Instant::now();
    let (mut longest, mut waited) = (Duration::ZERO, false);
    while started.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        caller.query("SELECT id FROM api_keys WHERE id = 'x'", &[]).await.unwrap();
        longest = longest.max(asked.elapsed());
        waited |= asked.elapsed() > Duration::from_millis(200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(waited && longest < Duration::from_millis(2_500), "{longest:?}");
    assert!(!migration.is_finished());
    backup.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migration.await.unwrap().unwrap().to, count(MIGRATIONS.len()));
}

/// The error names the reason.
#[tokio::test]
async fn a_table_that_stays_locked_is_reported_as_such() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..2]).await;
    let backup = test_schema::session_in(&schema).await;
    backup.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS SHARE MODE").await.unwrap();
    let error = migrator(&schema).with_deadline(Duration::from_millis(2_500)).run().await.unwrap_err();
    assert!(matches!(error, MigrationError::Locked(_)), "{error}");
    backup.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused_and_stays_empty() {
    let (_guard, schema) = test_schema::unused();
    let admin = test_schema::session().await;
    let name = format!("{schema}_latin1");
    let create =
        format!("CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    admin.batch_execute(&create).await.unwrap();
    let url = test_schema::url().replace("/postgres?", &format!("/{name}?"));
    assert_ne!(url, test_schema::url(), "DATABASE_URL names no database `postgres`");
    let pool = open_pool(&url.into(), 1).unwrap();
    let migrator = Migrator::new(pool.clone(), schema.clone());
    for error in [migrator.run().await.map(drop).unwrap_err(), migrator.check().await.unwrap_err()] {
        assert!(matches!(&error, MigrationError::Encoding { found } if found == "LATIN1"), "{error}");
    }
    pool.close();
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
