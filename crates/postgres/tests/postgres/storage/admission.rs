//! Admission in shared statements: locks, broken connections, callers that leave, and what is written.

use std::sync::Arc;

use dockline::ports::{Admission, AdmissionAnswer, AdmissionRequest, KeyAdmin, RateLimitDecision};
use dockline::{ApiKey, BudgetClass, KeyRecord, PortError, PortErrorKind, Scope};
use dockline_postgres::{AppNumber, Database, Migrator, PgAdmission, PgKeyStore, open_pool};
use dockline_testkit::fixtures::{NOON, key as new_key};
use tokio::task::{JoinHandle, JoinSet};

use crate::cluster::Cluster;
use crate::proxy::Proxy;
use crate::test_database::{self, until_blocked};
use crate::test_schema::{session, session_in};

type Call = JoinHandle<Result<AdmissionAnswer, PortError>>;

fn read(key: &ApiKey) -> AdmissionRequest {
    AdmissionRequest {
        key: key.id().clone(),
        secret_hash: key.secret_hash(),
        environment: key.environment(),
        needed: Some(Scope::GithubAdmin),
        class: BudgetClass::Read,
        charge: true,
        now: NOON,
    }
}

/// Stores new keys.
async fn keys<const N: usize>(database: &Database) -> [(ApiKey, KeyRecord); N] {
    let keys = std::array::from_fn(|_| new_key());
    for (_, record) in &keys {
        assert!(PgKeyStore::new(database).insert(record, "", NOON).await.unwrap());
    }
    keys
}

fn start(admission: &PgAdmission, request: AdmissionRequest) -> Call {
    let admission = admission.clone();
    tokio::spawn(async move { admission.admit(request).await })
}

/// The level after a call that was allowed.
fn remaining(answer: Result<AdmissionAnswer, PortError>) -> u32 {
    match answer.unwrap().decision {
        Some(RateLimitDecision::Allowed(budget)) => budget.remaining,
        other @ (Some(RateLimitDecision::Limited { .. }) | None) => panic!("{other:?}"),
    }
}

/// The permits that are left, without charging one.
async fn left(admission: &PgAdmission, key: &ApiKey) -> u32 {
    remaining(admission.admit(AdmissionRequest { charge: false, ..read(key) }).await)
}

async fn admission(connections: usize) -> (crate::test_schema::SchemaGuard, Database, PgAdmission) {
    let (guard, database) = test_database::database_of(connections).await;
    let admission = PgAdmission::new(&database.with_app(AppNumber::FIRST));
    (guard, database, admission)
}

/// The others are answered while the row of one key is locked. Its eight calls are charged eight afterwards, from what the
/// transaction that held the lock has left.
#[tokio::test]
async fn a_locked_budget_delays_only_calls_of_its_own_key_c_79() {
    let (_guard, database, admission) = admission(8).await;
    let [(locked, record), (other, _), (third, _)] = keys(&database).await;
    for key in [&locked, &other] {
        remaining(admission.admit(read(key)).await);
    }
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN").await.unwrap();
    let charge = "UPDATE budgets SET level = level - 10 * 60000000 WHERE key = $1";
    rival.execute(charge, &[&record.id.as_str()]).await.unwrap();
    let held: Vec<Call> = (0..8).map(|_| start(&admission, read(&locked))).collect();
    until_blocked(database.schema(), 1).await;
    for _ in 0..20 {
        remaining(admission.admit(read(&other)).await);
        remaining(admission.admit(read(&third)).await);
        let refused = AdmissionRequest { secret_hash: other.secret_hash(), ..read(&locked) };
        assert_eq!(admission.admit(refused).await.unwrap().record, None);
    }
    assert!(held.iter().all(|call| !call.is_finished()));
    rival.batch_execute("COMMIT").await.unwrap();
    let mut levels = Vec::new();
    for call in held {
        levels.push(remaining(call.await.unwrap()));
    }
    levels.sort_unstable();
    assert_eq!(levels, (101..=108).collect::<Vec<_>>());
}

/// The other transaction is about to create the same budget.
#[tokio::test]
async fn a_budget_that_another_transaction_creates_is_charged_after_it() {
    let (_guard, database, admission) = admission(8).await;
    let [(key, record), (other, _)] = keys(&database).await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN").await.unwrap();
    let insert = "INSERT INTO budgets VALUES ($1, 'read-light', 120, 10 * 60000000, 0, \
        (extract(epoch FROM timestamptz '2026-06-01 12:00Z') * 1000000)::bigint, 0)";
    rival.execute(insert, &[&record.id.as_str()]).await.unwrap();
    let waiting = start(&admission, read(&key));
    until_blocked(database.schema(), 1).await;
    remaining(admission.admit(read(&other)).await);
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(remaining(waiting.await.unwrap()), 9);
}

#[tokio::test]
async fn many_calls_of_one_key_share_statements_and_are_each_charged_c_79() {
    let (_guard, database, admission) = admission(8).await;
    let [(key, _)] = keys(&database).await;
    let calls: Vec<Call> = (0..100).map(|_| start(&admission, read(&key))).collect();
    let mut levels = Vec::new();
    for call in calls {
        levels.push(remaining(call.await.unwrap()));
    }
    levels.sort_unstable();
    assert_eq!(levels, (20..120).collect::<Vec<_>>());
    let counts = admission.counts();
    assert_eq!(counts.calls, 100);
    assert!((13..40).contains(&counts.statements), "at most eight share one: {counts:?}");
}

#[tokio::test]
async fn a_caller_that_leaves_while_its_statement_runs_is_charged_c_79() {
    let (_guard, database, admission) = admission(8).await;
    let [(key, _), (other, _)] = keys(&database).await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let leaving = start(&admission, read(&key));
    until_blocked(database.schema(), 1).await;
    let also_leaving = start(&admission, read(&other));
    until_blocked(database.schema(), 2).await;
    for call in [leaving, also_leaving] {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    rival.batch_execute("COMMIT").await.unwrap();
    let session = session_in(database.schema()).await;
    loop {
        let charged = session.query("SELECT FROM budgets", &[]).await.unwrap();
        if charged.len() == 2 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!((left(&admission, &key).await, left(&admission, &other).await), (119, 119));
}

/// With 64 callers at a time.
#[tokio::test]
async fn ten_thousand_wrong_secrets_write_nothing_c_78() {
    let (_guard, database, admission) = admission(8).await;
    let [(key, record), (other, _)] = keys(&database).await;
    remaining(admission.admit(read(&key)).await);
    let session = Arc::new(session_in(database.schema()).await);
    let version = async || -> [String; 3] {
        let version = "SELECT xmin::text, xmax::text, ctid::text FROM budgets WHERE key = $1";
        let row = session.query_one(version, &[&record.id.as_str()]).await.unwrap();
        [row.get(0), row.get(1), row.get(2)]
    };
    let before = version().await;
    let wrong = AdmissionRequest { secret_hash: other.secret_hash(), ..read(&key) };
    let mut callers = JoinSet::new();
    for caller in 0..64 {
        let (admission, wrong) = (admission.clone(), wrong.clone());
        callers.spawn(async move {
            for _ in (caller..10_000).step_by(64) {
                let answer = admission.admit(wrong.clone()).await.unwrap();
                assert_eq!((answer.record, answer.decision, answer.binding), (None, None, None));
            }
        });
    }
    callers.join_all().await;
    assert_eq!(version().await, before);
    assert_eq!(left(&admission, &key).await, 119);
    let rows: i64 = session.query_one("SELECT count(*) FROM budgets", &[]).await.unwrap().get(0);
    assert_eq!(rows, 1);
}

/// A refused call neither locks nor writes the row.
#[tokio::test]
async fn calls_over_the_budget_write_nothing_c_54() {
    let (_guard, database, admission) = admission(8).await;
    let [(key, _)] = keys(&database).await;
    for _ in 0..120 {
        remaining(admission.admit(read(&key)).await);
    }
    let session = session_in(database.schema()).await;
    let version = async || -> [String; 3] {
        let row = session.query_one("SELECT xmin::text, xmax::text, ctid::text FROM budgets", &[]).await;
        let row = row.unwrap();
        [row.get(0), row.get(1), row.get(2)]
    };
    let before = version().await;
    let calls: Vec<Call> = (0..50).map(|_| start(&admission, read(&key))).collect();
    for call in calls {
        let decision = call.await.unwrap().unwrap().decision;
        assert!(matches!(decision, Some(RateLimitDecision::Limited { .. })), "{decision:?}");
    }
    assert_eq!(version().await, before);
}

/// The first call's statement is killed, and it alone fails; those that shared a killed statement are repeated.
#[tokio::test]
async fn calls_of_a_killed_statement_are_repeated_in_halves() {
    let (_guard, database, admission) = admission(8).await;
    let stored: [(ApiKey, KeyRecord); 9] = keys(&database).await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let first = start(&admission, read(&stored[0].0));
    until_blocked(database.schema(), 1).await;
    let others: Vec<Call> = stored[1..].iter().map(|(key, _)| start(&admission, read(key))).collect();
    until_blocked(database.schema(), 2).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE application_name = $1 AND wait_event_type = 'Lock'";
    session().await.query(kill, &[&database.schema().as_str()]).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap_err().kind(), PortErrorKind::Unavailable);
    rival.batch_execute("COMMIT").await.unwrap();
    for call in others {
        assert_eq!(remaining(call.await.unwrap()), 119);
    }
    assert_eq!(left(&admission, &stored[0].0).await, 120);
}

#[tokio::test]
async fn calls_whose_request_is_lost_are_repeated_and_charged_once() {
    let (_guard, database) = test_database::database().await;
    let (proxy, proxied) = Proxy::to(&database, 4).await;
    let admission = PgAdmission::new(&proxied.with_app(AppNumber::FIRST));
    let stored: [(ApiKey, KeyRecord); 9] = keys(&database).await;
    // Prepares the statement, so that the lost request is that of the second batch.
    left(&admission, &stored[0].0).await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let first = start(&admission, read(&stored[0].0));
    until_blocked(database.schema(), 1).await;
    let others: Vec<Call> = stored[1..].iter().map(|(key, _)| start(&admission, read(key))).collect();
    tokio::task::yield_now().await;
    proxy.cut_next_request();
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(remaining(first.await.unwrap()), 119);
    for (call, (key, _)) in others.into_iter().zip(&stored[1..]) {
        assert_eq!(remaining(call.await.unwrap()), 119);
        assert_eq!(left(&admission, key).await, 119);
    }
}

/// A row that cannot be read is an error of its own calls.
#[tokio::test]
async fn an_unreadable_key_fails_only_its_own_calls() {
    let (_guard, database, admission) = admission(8).await;
    let stored: [(ApiKey, KeyRecord); 9] = keys(&database).await;
    let session = session_in(database.schema()).await;
    let spoil = "UPDATE api_keys SET organization_name = '' WHERE id = $1";
    session.execute(spoil, &[&stored[4].1.id.as_str()]).await.unwrap();
    let calls: Vec<Call> = stored.iter().map(|(key, _)| start(&admission, read(key))).collect();
    for (number, call) in calls.into_iter().enumerate() {
        let answer = call.await.unwrap();
        if number == 4 {
            assert_eq!(answer.unwrap_err().kind(), PortErrorKind::Corrupt);
        } else {
            assert_eq!(remaining(answer), 119);
        }
    }
}

/// I20: what was charged before the last durable commit outlives a crash of the server, and callers go on without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn charges_outlive_a_crash_of_the_server_but_for_those_of_its_last_moment_i_20() {
    let cluster = Cluster::start("-c fsync=on -c synchronous_commit=on");
    let database = Database::new(open_pool(&cluster.url("sslmode=disable").into(), 4).unwrap());
    Migrator::new(database.pool().clone(), database.schema().clone()).run().await.unwrap();
    let admission = PgAdmission::new(&database.with_app(AppNumber::FIRST));
    let [(key, _)] = keys(&database).await;
    for _ in 0..10 {
        remaining(admission.admit(read(&key)).await);
    }
    // The commit of a new key is durable, and with it all that is before it in the log.
    let [_] = keys(&database).await;
    remaining(admission.admit(read(&key)).await);
    cluster.crash();
    let after = loop {
        match admission.admit(read(&key)).await {
            Ok(answer) => break remaining(Ok(answer)),
            Err(error) => assert_eq!(error.kind(), PortErrorKind::Unavailable, "{error:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!((108..=109).contains(&after), "{after}");
}

/// The asynchronous commit is that of one statement: the next one on the same connection is durable again.
#[tokio::test]
async fn asynchronous_commit_ends_with_its_statement() {
    let (_guard, database, admission) = admission(1).await;
    let [(key, _)] = keys(&database).await;
    let client = database.pool().get().await.unwrap();
    client.batch_execute("SET synchronous_commit = on").await.unwrap();
    drop(client);
    remaining(admission.admit(read(&key)).await);
    let client = database.pool().get().await.unwrap();
    let row = client.query_one("SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "on");
}
