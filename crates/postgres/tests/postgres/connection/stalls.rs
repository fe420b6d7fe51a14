//! Calls that time out behind a lock, and errors that only the log explains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dockline::PortErrorKind;
use dockline::ports::{BindingRepo, KeyAdmin, KeyStore};
use dockline_postgres::{AppNumber, Database, PgBindingRepo, PgKeyStore, open_pool, open_reloading_pool};

use crate::cluster::Cluster;
use crate::connection::errors::chain;
use crate::fixtures::{binding, key};
use crate::test_database;
use crate::test_schema::{session, session_in};

/// Two nodes of four connections each, whose calls time out and are repeated.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_time_out_behind_a_lock_never_exceed_the_pools_size() {
    let (_guard, database) = test_database::database_of(4).await;
    let url = crate::test_schema::url_with(&format!("application_name={}", database.schema()));
    let second = Database::new(open_pool(&url.into(), 4).unwrap()).with_schema(database.schema().clone());
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let unlocked = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for database in [database.clone(), second] {
        let keys = PgKeyStore::new(&database.clone().with_deadline(Duration::from_millis(300)));
        // On a busy machine a new connection alone may take longer than the deadline.
        let patient = PgKeyStore::new(&database.with_deadline(Duration::from_secs(60)));
        for _ in 0..8 {
            let (keys, patient, unlocked) = (keys.clone(), patient.clone(), Arc::clone(&unlocked));
            callers.push(tokio::spawn(async move {
                let id = key("0123456789ABCDEF", "org_a").id;
                let mut failed = 0;
                while !unlocked.load(Ordering::Relaxed) {
                    match keys.find(&id).await {
                        Ok(_) => break,
                        Err(error) => {
                            assert_eq!(error.kind(), PortErrorKind::Unavailable);
                            failed += 1;
                        }
                    }
                }
                patient.find(&id).await.unwrap();
                failed
            }));
        }
    }
    let watch = session().await;
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let mut most = 0;
    for _ in 0..150 {
        let row = watch.query_one(count, &[&database.schema().as_str()]).await.unwrap();
        most = most.max(row.get::<_, i64>(0));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lock.batch_execute("COMMIT").await.unwrap();
    unlocked.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for caller in callers {
        failed += caller.await.unwrap();
    }
    assert!(most <= 8, "{most} connections");
    assert!(most > 0 && failed > 16, "{most} {failed}");
}

/// The statement of a call that timed out ends on the server, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_whose_call_timed_out_is_cancelled() {
    let (_guard, database) = test_database::database_of(1).await;
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let keys = PgKeyStore::new(&database.clone().with_deadline(Duration::from_millis(200)));
    keys.find(&key("0123456789ABCDEF", "org_a").id).await.unwrap_err();
    let watch = session().await;
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    for _ in 0..500 {
        let row = watch.query_one(count, &[&database.schema().as_str()]).await.unwrap();
        if row.get::<_, i64>(0) == 0 {
            // The lock is still held, so only the cancellation can have ended it.
            return lock.batch_execute("COMMIT").await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the statement is still running");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_gets_sqlstate_and_message_of_the_server() {
    let cluster = Cluster::start("-c max_connections=5 -c superuser_reserved_connections=0");
    let url = cluster.url("sslmode=disable");
    let taken = open_pool(&url.clone().into(), 5).unwrap();
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(taken.get().await.unwrap());
    }
    let keys = PgKeyStore::new(&Database::new(open_pool(&url.into(), 1).unwrap()));
    let error = keys.find(&key("0123456789ABCDEF", "org_a").id).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    let logged = std::error::Error::source(&error).unwrap().to_string();
    assert!(logged.contains("SQLSTATE 53300: sorry, too many clients already"), "{logged}");

    let (_guard, database) = test_database::database().await;
    let read_only = crate::test_schema::url_with("options=-c%20default_transaction_read_only%3Don");
    let read_only =
        Database::new(open_pool(&read_only.into(), 1).unwrap()).with_schema(database.schema().clone());
    let error = PgBindingRepo::new(&read_only.with_app(AppNumber::FIRST))
        .insert(binding("org_a", 1, "s"))
        .await
        .unwrap_err();
    let logged = std::error::Error::source(&error).unwrap().to_string();
    assert!(logged.contains("SQLSTATE 25006: cannot execute"), "{logged}");
}

/// The server's detail quotes the row.
#[tokio::test]
async fn no_value_of_a_row_is_in_an_error() {
    let (_guard, database) = test_database::database().await;
    let session = session_in(database.schema()).await;
    session.batch_execute("ALTER TABLE api_keys ADD CHECK (organization <> 'org_canary')").await.unwrap();
    let record = key("0123456789ABCDEF", "org_canary");
    let error = PgKeyStore::new(&database).insert(&record, "", crate::fixtures::NOON).await.unwrap_err();
    let logged = std::error::Error::source(&error).unwrap().to_string();
    assert!(logged.contains("SQLSTATE 23514") && !logged.contains("canary"), "{logged}");
    assert!(!error.to_string().contains("canary"));
    drop(chain(&error));
}

/// The session ended before the statement was executed, so it is executed on another connection.
#[tokio::test]
async fn a_session_that_the_server_ended_for_idleness_is_replaced() {
    let (_guard, database) = test_database::database().await;
    let session = session_in(database.schema()).await;
    let schema = database.schema();
    for (owner, sqlstate, failures, written) in [
        ("org_a", "57P05", 1, true),
        ("org_b", "57P05", 9, false),
        ("org_c", "57P01", 1, false),
        ("org_d", "57P02", 1, false),
        ("org_e", "57P03", 1, false),
        ("org_f", "57P04", 1, false),
        ("org_g", "53300", 1, false),
        ("org_h", "53100", 1, false),
        ("org_i", "25006", 1, false),
    ] {
        session
            .batch_execute(&format!(
                "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries; \
                 CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('{schema}.tries') <= {failures} THEN RAISE EXCEPTION SQLSTATE '{sqlstate}'; END IF; \
                 RETURN NEW; END $$; \
                 CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON bindings FOR EACH ROW EXECUTE FUNCTION refuse()"
            ))
            .await
            .unwrap();
        let number = u64::from(owner.as_bytes()[4]);
        let outcome = PgBindingRepo::new(&database.with_app(AppNumber::FIRST))
            .insert(binding(owner, number, "s"))
            .await;
        match outcome {
            Ok(_) => assert!(written, "{sqlstate}"),
            Err(error) => {
                assert!(!written && error.kind() == PortErrorKind::Unavailable, "{sqlstate}: {error:?}")
            }
        }
    }
}

/// The real time-out, on a connection of the pool. A second, since a busy machine may leave 30 ms between login and statement.
#[tokio::test]
async fn idle_sessions_may_time_out() {
    let (_guard, database) = test_database::database_of(1).await;
    let url = format!("application_name={}_idle&options=-c%20idle_session_timeout%3D1000", database.schema());
    let url = crate::test_schema::url_with(&url);
    let idle = Database::new(open_pool(&url.into(), 1).unwrap()).with_schema(database.schema().clone());
    let keys = PgKeyStore::new(&idle);
    let id = key("0123456789ABCDEF", "org_a").id;
    let watch = session().await;
    for _ in 0..3 {
        assert_eq!(keys.find(&id).await.unwrap(), None);
        let name = format!("{}_idle", database.schema());
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        while watch.query_one(count, &[&name]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The file that contains the URL has a new password.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_is_read_again_when_a_login_fails() {
    let (_guard, database) = test_database::database().await;
    let (admin, role) = (session_in(database.schema()).await, format!("{}_login", database.schema()));
    let schema = database.schema();
    admin
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'first'; GRANT USAGE ON SCHEMA {schema} TO {role}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
        ))
        .await
        .unwrap();
    let mut url = crate::test_schema::url();
    let start = url.find("://").unwrap() + 3;
    url.replace_range(start..url.find('@').unwrap(), &format!("{role}:PASSWORD"));
    let file = std::env::temp_dir().join(format!("dockline-url-{role}"));
    let write = |password: &str| std::fs::write(&file, url.replace("PASSWORD", password)).unwrap();
    write("first");
    let read = {
        let file = file.clone();
        move || Some(std::fs::read_to_string(&file).unwrap().into())
    };
    let pool = open_reloading_pool(&read().unwrap(), 2, read).unwrap();
    let keys = PgKeyStore::new(&Database::new(pool.clone()).with_schema(schema.clone()));
    let id = key("0123456789ABCDEF", "org_a").id;
    assert_eq!(keys.find(&id).await.unwrap(), None);
    admin.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'second'")).await.unwrap();
    pool.retain(|_, _| false);
    let error = keys.find(&id).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Rejected);
    write("second");
    let started = std::time::Instant::now();
    while let Err(error) = keys.find(&id).await {
        assert_eq!(error.kind(), PortErrorKind::Rejected);
        assert!(started.elapsed() < Duration::from_secs(10), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::remove_file(&file).unwrap();
    pool.retain(|_, _| false);
    admin.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}
