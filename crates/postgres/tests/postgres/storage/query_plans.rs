//! Query plans of the statements that the adapters prepared.

use dockline::ports::{
    Admission, AdmissionRequest, BindingCounter, BindingRepo, DeliveryOutcome, DeliveryStore, KeyAdmin,
    KeyStore, KeyUsage, Observation, Outbox, RateLimitRequest, RateLimiter, ReconcileCursor, ReconcileScope,
    SeededEntropy, StateStore,
};
use dockline::{
    ApiKey, AppId, BudgetClass, CodeFate, DeliveryGuid, KeyEnvironment, KeyRecord, OutboxBounds,
    PendingConfirmation, RotationTerms, SetupAction, Status, Verdict, VerifiedDelivery,
};
use dockline_postgres::{
    AppNumber, Database, PgAdmission, PgBindingCounter, PgBindingRepo, PgHousekeeping, PgKeyStore,
    PgKeyUsage, PgOutbox, PgRateLimiter, PgStateStore,
};
use time::Duration;

use crate::fixtures::{
    NOON, account, actor, binding, claim, digest, installation, installer, key, organization, state,
};
use crate::test_database;
use crate::test_schema::SchemaGuard;

const ROWS: &str = "\
    INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
     verified_at, generation, next_look_at) \
     SELECT n, 'org_' || n, n, 'account', 'User', 'active', '2026-06-01 12:00Z', 1, '2026-06-01 13:00Z' \
     FROM generate_series(1, 10000) AS n; \
    INSERT INTO installation_facts (app, installation_id, facts) SELECT 1, n, '{}' FROM generate_series(1, 10000) AS n; \
    INSERT INTO bindings (organization, spent, installation_id, proof, registered_at) \
     SELECT 'org_' || n, sha256(n::text::bytea), n, 'visible', '2026-06-01 12:00Z' FROM generate_series(1, 10000) AS n; \
    INSERT INTO install_states (digest, organization, organization_name, return_url, issued_at, expires_at, discarded) \
     SELECT sha256(n::text::bytea), 'org_' || n, '', '', '2026-06-01 12:00Z', '2026-06-01 12:15Z', false \
     FROM generate_series(1, 10000) AS n; \
    INSERT INTO api_keys SELECT lpad(n::text, 16, '0'), 'live', sha256(n::text::bytea), 'org_' || n, '', '', '{}', '', \
     1, 1, 1, '{}', '2026-06-01 12:00Z' FROM generate_series(1, 10000) AS n; \
    INSERT INTO outbox_queues (app, organization, last_sequence) \
     SELECT 1, '', 0 UNION ALL SELECT 1, 'org_' || n, 1 FROM generate_series(1, 10000) AS n; \
    INSERT INTO outbox_entries (app, organization, sequence, id, guid, digest, event, size, has_body, received_at, \
      status, settled_at) \
     SELECT 1, 'org_' || n, 1, 'gh_1_' || n, n::text, sha256(n::text::bytea), 'push', 2, true, '2026-06-01 12:00Z', \
      'done', '2026-06-01 12:00Z' FROM generate_series(1, 10000) AS n; \
    INSERT INTO outbox_bodies SELECT 1, 'org_' || n, 1, '{}' FROM generate_series(1, 10000) AS n; \
    INSERT INTO budgets SELECT lpad(n::text, 16, '0'), 'read-light', 1, 0, 0, 0, 0 FROM generate_series(1, 10000) AS n; \
    INSERT INTO installers SELECT n, n, '2026-06-01 12:00Z' FROM generate_series(1, 10000) AS n; \
    ANALYZE installations, installation_facts, bindings, install_states, api_keys, outbox_queues, outbox_entries, \
     outbox_bodies, budgets, installers; \
    SET plan_cache_mode = force_generic_plan";

/// Returns a database with those rows and a pool of one connection.
async fn filled() -> (SchemaGuard, Database) {
    let (guard, database) = test_database::database_of(1).await;
    let session = database.pool().get().await.unwrap();
    session
        .batch_execute(&format!("SET search_path TO {}; {ROWS}; RESET search_path", database.schema()))
        .await
        .unwrap();
    drop(session);
    (guard, database)
}

/// Returns the charge of a read by the key.
fn read(key: &KeyRecord) -> AdmissionRequest {
    AdmissionRequest {
        key: key.id.clone(),
        secret_hash: key.secret_hash,
        environment: key.environment,
        needed: None,
        class: BudgetClass::Read,
        charge: true,
        now: NOON,
    }
}

/// Returns the connection's prepared statements with their generic plans.
async fn plans(database: &Database) -> Vec<(String, String)> {
    let session = database.pool().get().await.unwrap();
    let prepared = session
        .query(
            "SELECT name, statement, parameter_types::text[] FROM pg_prepared_statements \
             WHERE statement LIKE '%' || $1 || '%'",
            &[&database.schema().as_str()],
        )
        .await
        .unwrap();
    let mut plans = Vec::new();
    for row in prepared {
        let (name, statement, types): (String, String, Vec<String>) = (row.get(0), row.get(1), row.get(2));
        let nulls: Vec<_> = types.iter().map(|of| format!("NULL::{of}")).collect();
        let nulls = if nulls.is_empty() { String::new() } else { format!("({})", nulls.join(", ")) };
        let plan = session.query(&format!("EXPLAIN EXECUTE {name}{nulls}"), &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        plans.push((statement, plan.join("\n")));
    }
    plans
}

/// Calls all methods of the outbox but `list`, whose statements are planned for their values.
async fn consume(outbox: &PgOutbox) {
    let delivery = VerifiedDelivery {
        app: AppId::new(1).unwrap(),
        installation: Some(installation(1)),
        event: "push",
        action: None,
        guid: DeliveryGuid::new("a").unwrap(),
        received_at: NOON,
        body: b"{}",
    };
    assert_eq!(outbox.store(delivery).await.unwrap(), DeliveryOutcome::Stored);
    let lease = outbox.lease(NOON, NOON + Duration::MINUTE).await.unwrap().unwrap();
    assert!(outbox.renew(&lease, NOON + Duration::MINUTE).await.unwrap());
    let message = outbox.read(&lease, NOON, 10, 1_000).await.unwrap().remove(0);
    assert!(outbox.settle(&lease, message.entry.sequence, Verdict::Done { at: NOON }).await.unwrap());
    outbox.release(&lease, NOON).await.unwrap();
    outbox.find(&message.entry.id).await.unwrap();
    outbox.retry(&message.entry.id, NOON).await.unwrap();
    outbox.backlog().await.unwrap();
}

#[tokio::test]
async fn no_statement_scans_a_table_of_ten_thousand_rows() {
    let (_guard, database) = filled().await;
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    let id = installation(10_001);
    bindings.find(&organization("org_1")).await.unwrap();
    bindings.insert(binding("org_a", 10_001, "s")).await.unwrap();
    bindings.insert(binding("org_a", 10_002, "t")).await.unwrap();
    let present = Observation::Present {
        status: Status::Suspended,
        account: account(10_001),
        asked_at: NOON,
        next_look_at: NOON,
    };
    for observation in [
        present,
        Observation::PermissionsChanged { at: NOON },
        Observation::Missing { asked_at: NOON },
        Observation::Ending { at: NOON },
        Observation::Deleted { at: NOON },
    ] {
        bindings.observe(id, observation).await.unwrap();
    }
    bindings.installation(id).await.unwrap();
    bindings.record_installer(id, installer(77), NOON).await.unwrap();
    bindings.installer(id).await.unwrap();
    bindings.postpone(id, NOON).await.unwrap();
    bindings.due(ReconcileScope::Due(NOON), None, 10).await.unwrap();
    bindings.due(ReconcileScope::ObservedBefore(NOON), None, 10).await.unwrap();
    bindings.release(&organization("org_a"), id, &actor(), NOON).await.unwrap();
    consume(&PgOutbox::new(&database.with_app(AppNumber::FIRST), OutboxBounds::default())).await;
    let states = PgStateStore::new(&database.with_app(AppNumber::FIRST));
    states.put(state("org_a", "s")).await.unwrap();
    states.find_by_digest(&digest("s")).await.unwrap();
    let asked = PendingConfirmation {
        ticket: digest("ticket"),
        browser: digest("browser"),
        claim: claim(1),
        setup_action: SetupAction::Install,
    };
    states.save_pending(&digest("s"), asked).await.unwrap();
    states.reserve_code(&digest("s"), &digest("code")).await.unwrap();
    states.settle_code(&digest("s"), &digest("code"), CodeFate::Used).await.unwrap();
    states.confirm_claim(&digest("s"), None, claim(1)).await.unwrap();
    states.revoke(&digest("s"), None).await.unwrap();
    let keys = PgKeyStore::new(&database);
    let known = key("0123456789ABCDEF", "org_a");
    keys.insert(&known, "", NOON).await.unwrap();
    keys.find(&known.id).await.unwrap();
    PgAdmission::new(&database.with_app(AppNumber::FIRST)).admit(read(&known)).await.unwrap();
    let check = RateLimitRequest {
        key: (&known.id).into(),
        class: BudgetClass::Read,
        tier: known.tier.clone(),
        permits: 1,
        now: NOON,
    };
    PgRateLimiter::new(&database).check(check).await.unwrap();
    let fresh = ApiKey::mint(KeyEnvironment::Live, &SeededEntropy::new(1)).unwrap();
    let terms = RotationTerms { old_expires_at: NOON, expires_at: None };
    keys.rotate(&known.id, &fresh, &terms, NOON).await.unwrap();
    keys.entry(&known.id).await.unwrap();
    keys.revoke(&known.id, NOON).await.unwrap();
    let usage = PgKeyUsage::new(&database);
    usage.used(&known.id, NOON);
    usage.write().await.unwrap();
    PgHousekeeping::new(&database).purge(NOON, 10).await.unwrap();

    let plans = plans(&database).await;
    assert!(plans.len() >= 40, "{}", plans.len());
    for (statement, plan) in plans {
        assert!(!plan.contains("Seq Scan"), "{statement}\n{plan}");
    }
}

/// A batch costs as much as its rows, wherever it starts, also the last one, which finds looks in the future.
#[tokio::test]
async fn due_bindings_and_installers_are_read_by_index() {
    let (_guard, database) = filled().await;
    let session = database.pool().get().await.unwrap();
    // Updates the visibility map, without which an index-only scan reads the table.
    for table in ["installations", "installers"] {
        session.batch_execute(&format!("VACUUM {}.{table}", database.schema())).await.unwrap();
    }
    drop(session);
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    let after = ReconcileCursor { next_look_at: NOON - Duration::DAY, installation: installation(5_000) };
    bindings.due(ReconcileScope::Due(NOON), Some(after), 10).await.unwrap();
    bindings.installer(installation(5_000)).await.unwrap();

    let plans = plans(&database).await;
    assert_eq!(plans.len(), 2);
    for (statement, plan) in plans {
        if statement.contains("next_look_at") {
            for scan in [
                "Index Only Scan using installations_due",
                "Index Scan Backward using installations_unverified",
                "Index Scan on installations_ahead",
            ] {
                assert!(plan.contains(scan), "{scan}\n{plan}");
            }
            // At most two thousand looks in the future are sorted, and filtered by the cursor.
            assert_eq!(plan.matches("Filter").count(), 1, "{plan}");
            assert!(!plan.contains("Seq Scan"), "{plan}");
        } else {
            assert!(plan.contains("Index Scan"), "{statement}\n{plan}");
            assert!(!plan.contains("Filter") && !plan.contains("Sort"), "{statement}\n{plan}");
        }
    }
}

/// Neither has an index by age. A batch reads some pages, however large the table is.
#[tokio::test]
async fn installers_and_budgets_are_purged_page_by_page() {
    let (_guard, database) = filled().await;
    PgHousekeeping::new(&database).purge(NOON, 10).await.unwrap();
    let plans = plans(&database).await;
    for table in ["installers", "budgets"] {
        let of_table = |statement: &String| statement.contains(&format!(".{table} AS"));
        let (statement, plan) = plans.iter().find(|(statement, _)| of_table(statement)).unwrap();
        assert!(plan.contains(&format!("Tid Range Scan on {table}")), "{statement}\n{plan}");
    }
}

/// Counting is one bounded pass without a sort; the longest due binding is the first entry of an index.
#[tokio::test]
async fn counting_reads_each_bound_installation_at_most_once() {
    let (_guard, database) = filled().await;
    let session = database.pool().get().await.unwrap();
    session.batch_execute(&format!("VACUUM {}.installations", database.schema())).await.unwrap();
    drop(session);
    PgBindingCounter::new(&database.with_app(AppNumber::FIRST)).count(NOON).await.unwrap();

    let plans = plans(&database).await;
    assert_eq!(plans.len(), 2);
    for (statement, plan) in plans {
        if statement.contains("count(*)") {
            assert!(plan.contains("HashAggregate") && plan.contains("Limit"), "{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Join"), "{plan}");
        } else {
            assert!(plan.contains("using installations_due"), "{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("Filter"), "{plan}");
        }
    }
}

/// The first executions are planned for their values; then the plan for all values is used, also for a single call.
#[tokio::test]
async fn shared_statements_are_not_planned_for_each_execution() {
    let (_guard, database) = filled().await;
    let session = database.pool().get().await.unwrap();
    session.batch_execute("RESET plan_cache_mode").await.unwrap();
    drop(session);
    let app = database.with_app(AppNumber::FIRST);
    let (states, bindings) = (PgStateStore::new(&app), PgBindingRepo::new(&app));
    let (admission, known) = (PgAdmission::new(&app), key("0123456789ABCDEF", "org_1"));
    for number in 20_001..20_020 {
        admission.admit(read(&known)).await.unwrap();
        states.find(&organization("org_1"), &digest("s")).await.unwrap();
        bindings.insert(binding(&format!("org_{number}"), number, "s")).await.unwrap();
    }
    let session = database.pool().get().await.unwrap();
    let planned = "SELECT statement, custom_plans, generic_plans FROM pg_prepared_statements \
        WHERE statement LIKE '%unnest%' AND statement LIKE '%' || $1 || '%'";
    let planned = session.query(planned, &[&database.schema().as_str()]).await.unwrap();
    assert_eq!(planned.len(), 3);
    for row in planned {
        let (statement, custom, generic): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!((custom, generic), (5, 14), "{statement}");
    }
}
