//! Migrations on a server, with additional ones for the tests.

mod migrator;

use tokio::task::JoinSet;

use super::{Applied, MIGRATIONS, Migration, Migrator};
use crate::open_pool;
use crate::schema::Schema;
use crate::test_schema::{self, SchemaGuard};

const LATEST: u32 = MIGRATIONS.len() as u32;

/// Rewrites every row.
const NEXT: Migration = Migration {
    name: "later_test",
    oldest_program: LATEST,
    sql: "ALTER TABLE api_keys ADD COLUMN note text NOT NULL DEFAULT ''; \
        UPDATE api_keys SET note = name; \
        CREATE UNIQUE INDEX api_keys_note ON api_keys (note);",
};

/// The released migrations and a later one.
fn released_and(next: Migration) -> &'static [Migration] {
    [MIGRATIONS, &[next]].concat().leak()
}

fn migrator(schema: &Schema) -> Migrator {
    Migrator::new(open_pool(&test_schema::url().into(), 2).unwrap(), schema.clone())
}

/// Migrates by eight concurrent instances with a pool each. Returns how many applied migrations.
async fn migrate_concurrently(schema: &Schema, migrations: &'static [Migration], from: u32) -> usize {
    let to = u32::try_from(migrations.len()).unwrap();
    let mut instances = JoinSet::new();
    for _ in 0..8 {
        let migrator = migrator(schema);
        instances.spawn(async move { migrator.migrate_to(migrations).await });
    }
    let applied: Vec<_> = instances.join_all().await.into_iter().map(Result::unwrap).collect();
    let migrated = applied.iter().filter(|applied| **applied == Applied { from, to }).count();
    let unchanged = applied.iter().filter(|applied| **applied == Applied { from: to, to }).count();
    assert_eq!(migrated + unchanged, 8, "{applied:?}");
    migrated
}

async fn migrated_to(migrations: &[Migration]) -> (SchemaGuard, Schema) {
    let (guard, schema) = test_schema::unused();
    migrator(&schema).migrate_to(migrations).await.unwrap();
    (guard, schema)
}

/// I26
#[tokio::test(flavor = "multi_thread")]
async fn eight_concurrent_instances_migrate_an_empty_schema_once() {
    let (_guard, schema) = test_schema::unused();
    assert_eq!(migrate_concurrently(&schema, MIGRATIONS, 0).await, 1);
    migrator(&schema).check().await.unwrap();
}

/// I26
#[tokio::test(flavor = "multi_thread")]
async fn eight_concurrent_instances_migrate_a_schema_with_rows_once() {
    let (_guard, schema) = migrated_to(MIGRATIONS).await;
    let session = test_schema::session_in(&schema).await;
    session
        .batch_execute(
            "INSERT INTO api_keys SELECT lpad(n::text, 16, '0'), 'live', sha256(n::text::bytea), 'org', 'Org', \
             'key ' || n, '{}', 'standard', 1, 1, 1, '{}', '2026-03-01 12:00Z' FROM generate_series(1, 1000) AS n",
        )
        .await
        .unwrap();
    assert_eq!(migrate_concurrently(&schema, released_and(NEXT), LATEST).await, 1);
    let kept: i64 =
        session.query_one("SELECT count(*) FROM api_keys WHERE note = name", &[]).await.unwrap().get(0);
    assert_eq!(kept, 1_000);
}

/// I26: version 1 with bound, unbound and uninstalled installations. The new index contains the live, bound ones.
#[tokio::test]
async fn migrating_from_version_1_keeps_the_rows_and_adds_the_index() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..1]).await;
    let session = test_schema::session_in(&schema).await;
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
    let rows = "SELECT md5(string_agg((installation_id, organization, account_id, account_login, account_kind, status, \
        verified_at, generation, released_at)::text, ',' ORDER BY installation_id)) FROM installations";
    let before: String = session.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 1, to: LATEST });
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

/// I26: existing keys get no expiry.
#[tokio::test]
async fn migrating_from_version_2_keeps_the_keys() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..2]).await;
    let session = test_schema::session_in(&schema).await;
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
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 2, to: LATEST });
    let after: String = session.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(before, after);
    let untouched =
        "SELECT count(*) FROM api_keys WHERE num_nulls(expires_at, replaced_by, last_used_at) = 3";
    let untouched: i64 = session.query_one(untouched, &[]).await.unwrap().get(0);
    assert_eq!(untouched, 100);
}

/// I26: existing bindings and states get the actor `unknown`, and a program of version 3 can still insert.
#[tokio::test]
async fn migrating_from_version_3_keeps_bindings_and_states() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..3]).await;
    let session = test_schema::session_in(&schema).await;
    let insert = |number| {
        format!(
            "INSERT INTO bindings (organization, spent, installation_id, proof, registered_at) \
             VALUES ('org_{number}', sha256('{number}'), {number}, 'state', '2026-03-01 12:00Z'); \
             INSERT INTO install_states \
              (digest, organization, organization_name, return_url, issued_at, expires_at, discarded) \
             VALUES (sha256('{number}'), 'org_{number}', '', '', '2026-03-01 12:00Z', '2026-03-01 12:15Z', false)"
        )
    };
    session.batch_execute(&insert(1)).await.unwrap();
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 3, to: LATEST });
    session.batch_execute(&insert(2)).await.unwrap();
    for table in ["bindings", "install_states"] {
        let query = format!("SELECT organization, actor FROM {table} ORDER BY organization");
        let rows = session.query(&query, &[]).await.unwrap();
        let rows: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(rows, [("org_1".into(), "unknown".into()), ("org_2".into(), "unknown".into())], "{table}");
    }
}

/// I26: installers and claims of the earlier program prove the least, and it can still insert beside this one.
#[tokio::test]
async fn migrating_to_memberships_keeps_installers_and_claims_and_trusts_them_least() {
    let before = MIGRATIONS.iter().position(|migration| migration.name == "0007_memberships").unwrap();
    let (_guard, schema) = migrated_to(&MIGRATIONS[..before]).await;
    let session = test_schema::session_in(&schema).await;
    let insert = |number| {
        format!(
            "INSERT INTO installers (installation_id, installer, noted_at) \
              VALUES ({number}, 77, '2026-03-01 12:00Z'); \
             INSERT INTO install_states \
              (digest, organization, organization_name, return_url, issued_at, expires_at, discarded, \
               tie_installation, tie_account, tie_proof, tie_visitor) \
             VALUES (sha256('{number}'), 'org_{number}', '', '', '2026-03-01 12:00Z', '2026-03-01 12:15Z', false, \
              {number}, 2, 'installed', 77)"
        )
    };
    session.batch_execute(&insert(1)).await.unwrap();
    migrator(&schema).run().await.unwrap();
    session.batch_execute(&insert(2)).await.unwrap();
    for query in [
        "SELECT count(*) FROM installers WHERE installer = 77 AND NOT members_permission",
        "SELECT count(*) FROM install_states WHERE tie_proof = 'installed' AND tie_membership IS NULL",
    ] {
        let kept: i64 = session.query_one(query, &[]).await.unwrap().get(0);
        assert_eq!(kept, 2, "{query}");
    }
}

/// I26: the earlier program's states keep working, and it can still insert and ask beside this one.
#[tokio::test]
async fn migrating_to_several_confirmations_keeps_states_and_the_earlier_columns() {
    let before = MIGRATIONS.iter().position(|migration| migration.name == "0006_confirmations").unwrap();
    let (_guard, schema) = migrated_to(&MIGRATIONS[..before]).await;
    let session = test_schema::session_in(&schema).await;
    let insert = |number| {
        format!(
            "INSERT INTO install_states \
              (digest, organization, organization_name, return_url, issued_at, expires_at, discarded, visit_ticket, \
               visit_browser, visit_installation, visit_account, visit_proof, visit_visitor, visit_setup_action) \
             VALUES (sha256('{number}'), 'org_{number}', '', '', '2026-03-01 12:00Z', '2026-03-01 12:15Z', false, \
              sha256('t'), sha256('b'), 1, 2, 'visible', 3, 'install')"
        )
    };
    session.batch_execute(&insert(1)).await.unwrap();
    migrator(&schema).run().await.unwrap();
    session.batch_execute(&insert(2)).await.unwrap();
    let query = "SELECT count(*) FROM install_states \
        WHERE pending = '[]' AND answered IS NULL AND codes = '{}' AND visit_ticket = sha256('t')";
    let kept: i64 = session.query_one(query, &[]).await.unwrap().get(0);
    assert_eq!(kept, 2);
}

/// I26: existing installations are due at once, uninstalled ones count as absent, and a program of version 4 can still
/// insert and update.
#[tokio::test]
async fn migrating_from_version_4_makes_every_binding_due() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..4]).await;
    let session = test_schema::session_in(&schema).await;
    let insert = |number, status| {
        format!(
            "INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
              verified_at, generation) \
             VALUES ({number}, 'org_{number}', {number}, 'account', 'User', '{status}', '2026-03-01 12:00Z', 1)"
        )
    };
    session.batch_execute(&insert(1, "active")).await.unwrap();
    session.batch_execute(&insert(2, "uninstalled")).await.unwrap();
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 4, to: LATEST });
    session.batch_execute(&insert(3, "active")).await.unwrap();
    session.batch_execute("UPDATE installations SET verified_at = '2026-03-01 13:00Z'").await.unwrap();
    let rows = session
        .query(
            "SELECT installation_id FROM installations \
             WHERE next_look_at < '2000-01-01Z' AND num_nulls(observed_at, missing_since, missing_looks, missing_last, \
              denied_number, ending_since, uninstalled_by) = 7 ORDER BY installation_id",
            &[],
        )
        .await
        .unwrap();
    let rows: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(rows, [1, 2, 3]);
}

/// I26: budgets keep their levels, and a program of version 13 goes on counting with its own.
#[tokio::test]
async fn migrating_from_version_13_keeps_the_levels_of_budgets() {
    let (_guard, schema) = migrated_to(&MIGRATIONS[..13]).await;
    let session = test_schema::session_in(&schema).await;
    let charge = "INSERT INTO rate_buckets (key_id, class, per_minute, level, used_today, counted_to, counted_day, allowed, lag) \
        VALUES ('0123456789ABCDEF', 'write-light', 4294967295, 60000000000 * 4294967295::numeric, 7, \
         1772366400000000000, 2461102, true, 600000000001) \
        ON CONFLICT ON CONSTRAINT rate_buckets_pkey DO UPDATE SET used_today = 8";
    session.batch_execute(charge).await.unwrap();
    assert_eq!(migrator(&schema).run().await.unwrap(), Applied { from: 13, to: LATEST });
    session.batch_execute(charge).await.unwrap();
    let query = "SELECT key, class, per_minute, level, used_today, counted_to, lag FROM budgets";
    let row = session.query_one(query, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("0123456789ABCDEF", "write-light"));
    let numbers: Vec<i64> = (2..7).map(|column| row.get(column)).collect();
    let full = 60_000_000 * 4_294_967_295;
    assert_eq!(numbers, [4_294_967_295, full, 7, 1_772_366_400_000_000, 600_000_000]);
}

#[tokio::test]
async fn every_table_and_column_has_a_comment() {
    let (_guard, schema) = migrated_to(MIGRATIONS).await;
    let session = test_schema::session().await;
    let uncommented = session
        .query(
            "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped \
             AND (a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)",
            &[&schema.as_str()],
        )
        .await
        .unwrap();
    let uncommented: Vec<String> = uncommented.iter().map(|row| row.get(0)).collect();
    assert!(uncommented.is_empty(), "{uncommented:?}");
}
