//! That what is looked up is found by an index, by the very statements that the adapter prepared.

use dockline::ports::{BindingRepo, KeyStore, StateStore};
use dockline_postgres::{PgBindingRepo, PgHousekeeping, PgKeyStore, PgStateStore};

use crate::fixtures::{NOON, binding, digest, key, organization, state, tie};
use crate::migrated;

const ROWS: &str = "\
    INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
     verified_at, generation) SELECT n, 'org_' || n, n, 'account', 'User', 'active', '2026-03-01 12:00Z', 1 \
     FROM generate_series(1, 10000) AS n; \
    INSERT INTO bindings (organization, spent, installation_id, proof, registered_at) \
     SELECT 'org_' || n, sha256(n::text::bytea), n, 'visible', '2026-03-01 12:00Z' FROM generate_series(1, 10000) AS n; \
    INSERT INTO install_states (digest, organization, organization_name, return_url, issued_at, expires_at, discarded) \
     SELECT sha256(n::text::bytea), 'org_' || n, '', '', '2026-03-01 12:00Z', '2026-03-01 12:15Z', false \
     FROM generate_series(1, 10000) AS n; \
    INSERT INTO api_keys SELECT lpad(n::text, 16, '0'), 'live', sha256(n::text::bytea), 'org_' || n, '', '', '{}', '', \
     1, 1, 1, '{}', '2026-03-01 12:00Z' FROM generate_series(1, 10000) AS n; \
    ANALYZE; SET plan_cache_mode = force_generic_plan";

#[tokio::test]
async fn lookups_in_ten_thousand_rows_go_by_an_index() {
    let (_fresh, database) = migrated::database_of(1).await;
    let session = database.pool().get().await.unwrap();
    session
        .batch_execute(&format!("SET search_path TO {}; {ROWS}; RESET search_path", database.schema()))
        .await
        .unwrap();
    drop(session);
    let bindings = PgBindingRepo::new(&database);
    bindings.find(&organization("org_1")).await.unwrap();
    bindings.find_by_installation(binding("org_1", 1, "").installation).await.unwrap();
    bindings.insert(binding("org_a", 10_001, "s")).await.unwrap();
    bindings.insert(binding("org_a", 10_002, "t")).await.unwrap();
    bindings.release(&organization("org_a"), binding("org_a", 10_001, "").installation, NOON).await.unwrap();
    let states = PgStateStore::new(&database);
    states.put(state("org_a", "s")).await.unwrap();
    states.find_by_digest(&digest("s")).await.unwrap();
    states.vouch(&digest("s"), None, tie(1)).await.unwrap();
    states.discard(&digest("s"), None).await.unwrap();
    let keys = PgKeyStore::new(&database);
    keys.find(&key("0123456789ABCDEF", "org_a").id).await.unwrap();
    PgHousekeeping::new(&database).purge(NOON, 10).await.unwrap();

    let session = database.pool().get().await.unwrap();
    let prepared = session
        .query(
            "SELECT name, statement, parameter_types::text[] FROM pg_prepared_statements \
             WHERE statement LIKE '%' || $1 || '%' AND statement NOT LIKE '%rate_buckets%'",
            &[&database.schema().as_str()],
        )
        .await
        .unwrap();
    assert!(prepared.len() >= 12, "{}", prepared.len());
    for row in prepared {
        let (name, statement, types): (String, String, Vec<String>) = (row.get(0), row.get(1), row.get(2));
        let nulls: Vec<_> = types.iter().map(|of| format!("NULL::{of}")).collect();
        let plan =
            session.query(&format!("EXPLAIN EXECUTE {name}({})", nulls.join(", ")), &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{statement}\n{plan}");
    }
}
