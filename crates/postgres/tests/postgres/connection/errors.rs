//! How the server's and the network's errors are reported.

use std::error::Error;
use std::time::{Duration, Instant};

use dockline::ports::{BindingRepo, InsertOutcome, KeyAdmin, KeyStore};
use dockline::{KeyId, PortError, PortErrorKind};
use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::{
    AppNumber, Database, Migrator, PgBindingRepo, PgKeyStore, PgKeyUsage, StatementMode, open_pool,
};

use crate::fixtures::{binding, key};
use crate::test_database;
use crate::test_database::until_blocked;
use crate::test_schema::{self, session_in, url, url_with};

fn id() -> KeyId {
    key("0123456789ABCDEF", "org_a").id
}

async fn find_with(url: String) -> PortError {
    let database = Database::new(open_pool(&url.into(), 1).unwrap());
    PgKeyStore::new(&database).find(&id()).await.unwrap_err()
}

/// Returns the error with all its sources, as a log would show them.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_missing_table_or_column_asks_for_the_migrations() {
    let (_guard, schema) = test_schema::unused();
    let database = Database::new(open_pool(&url().into(), 1).unwrap()).with_schema(schema);
    for _ in 0..2 {
        let error = PgKeyStore::new(&database).find(&id()).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unexpected);
        assert!(chain(&error).contains("run the migrations"), "{}", chain(&error));
    }
    let (_guard, database) = test_database::database().await;
    session_in(database.schema()).await.batch_execute("ALTER TABLE api_keys DROP COLUMN tier").await.unwrap();
    let error = PgKeyStore::new(&database).find(&id()).await.unwrap_err();
    assert!(chain(&error).contains("run the migrations"), "{}", chain(&error));
}

#[tokio::test]
async fn a_failed_login_is_rejected_and_the_password_is_not_shown() {
    let config: Config = url().parse().unwrap();
    let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
    let error = find_with(url().replace(&password, "canary")).await;
    assert_eq!(error.kind(), PortErrorKind::Rejected);
    assert!(!chain(&error).contains("canary"), "{}", chain(&error));
    let error = find_with(url().replace(&format!(":{password}"), "")).await;
    assert_eq!(error.kind(), PortErrorKind::Rejected, "no password");
    let error = find_with(url().replace("/postgres?", "/nowhere?")).await;
    assert_eq!(error.kind(), PortErrorKind::Rejected, "no such database");
}

#[tokio::test]
async fn a_missing_privilege_is_rejected() {
    let (_guard, database) = test_database::database().await;
    let client = database.pool().get().await.unwrap();
    let role = format!("{}_role", database.schema());
    client.batch_execute(&format!("CREATE ROLE {role}")).await.unwrap();
    let unprivileged = url_with(&format!("options=-c%20role%3D{role}"));
    let unprivileged =
        Database::new(open_pool(&unprivileged.into(), 1).unwrap()).with_schema(database.schema().clone());
    let error = PgKeyStore::new(&unprivileged).find(&id()).await.unwrap_err();
    client.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
    assert_eq!(error.kind(), PortErrorKind::Rejected);
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = find_with(format!("postgres://u:canary@127.0.0.1:{free}/d")).await;
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    assert!(!chain(&error).contains("canary"));
}

#[tokio::test]
async fn a_server_that_does_not_respond_is_unavailable_within_the_deadline() {
    // The kernel accepts the connection, and no process reads from it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u:p@127.0.0.1:{}/d", silent.local_addr().unwrap().port());
    let database =
        Database::new(open_pool(&url.into(), 1).unwrap()).with_deadline(Duration::from_millis(200));
    let started = Instant::now();
    let error = PgKeyStore::new(&database).find(&id()).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn read_only_and_cancelled_statements_are_unavailable() {
    let (_guard, database) = test_database::database().await;
    let lock = session_in(database.schema()).await;
    for (option, insert) in [("default_transaction_read_only%3Don", true), ("statement_timeout%3D50", false)]
    {
        let url = url_with(&format!("options=-c%20{option}"));
        let other = Database::new(open_pool(&url.into(), 1).unwrap()).with_schema(database.schema().clone());
        let error = if insert {
            PgBindingRepo::new(&other.with_app(AppNumber::FIRST))
                .insert(binding("org_a", 1, "s"))
                .await
                .unwrap_err()
        } else {
            lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
            PgKeyStore::new(&other).find(&id()).await.unwrap_err()
        };
        assert_eq!(error.kind(), PortErrorKind::Unavailable, "{option}");
    }
    lock.batch_execute("COMMIT").await.unwrap();
}

#[tokio::test]
async fn a_terminated_backend_is_unavailable_and_the_pool_recovers() {
    let (_guard, database) = test_database::database_of(1).await;
    let keys = PgKeyStore::new(&database);
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let waiting = {
        let keys = keys.clone();
        tokio::spawn(async move { keys.find(&id()).await })
    };
    until_blocked(database.schema(), 1).await;
    let terminated = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    lock.query(terminated, &[&database.schema().as_str()]).await.unwrap();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    lock.batch_execute("COMMIT").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_that_exceeds_the_deadline_closes_its_connection() {
    let (_guard, database) = test_database::database_of(1).await;
    let keys = PgKeyStore::new(&database);
    keys.find(&id()).await.unwrap();
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let hurried = PgKeyStore::new(&database.clone().with_deadline(Duration::from_millis(300)));
    assert_eq!(hurried.find(&id()).await.unwrap_err().kind(), PortErrorKind::Unavailable);
    assert_eq!(database.pool().status().size, 0, "the connection is still open");
    lock.batch_execute("COMMIT").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection_and_takes_full_effect_or_none() {
    let (_guard, database) = test_database::database_of(1).await;
    let (keys, new) = (PgKeyStore::new(&database), key("0123456789ABCDEF", "org_a"));
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    let dropped = {
        let (keys, new) = (keys.clone(), new.clone());
        tokio::spawn(async move { keys.insert(&new, "", crate::fixtures::NOON).await })
    };
    until_blocked(database.schema(), 1).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    assert_eq!(database.pool().status().size, 0, "the connection is still open");
    lock.batch_execute("COMMIT").await.unwrap();
    // The server may have completed the statement. The repeated call finds all of it, or does it.
    keys.insert(&new, "", crate::fixtures::NOON).await.unwrap();
    assert_eq!(keys.find(&new.id).await.unwrap(), Some(new));
}

#[tokio::test]
async fn an_invalid_value_is_corrupt_and_its_column_is_named() {
    let (_guard, database) = test_database::database().await;
    let keys = PgKeyStore::new(&database);
    assert!(keys.insert(&key("0123456789ABCDEF", "org_a"), "", crate::fixtures::NOON).await.unwrap());
    let session = session_in(database.schema()).await;
    session
        .batch_execute(
            "ALTER TABLE api_keys DROP CONSTRAINT api_keys_environment; UPDATE api_keys SET environment = 'prod'",
        )
        .await
        .unwrap();
    let error = keys.find(&id()).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt);
    assert!(chain(&error).contains("environment"), "{}", chain(&error));
    // A character that PostgreSQL cannot store.
    let mut record = key("0123456789ABCDE0", "org_a");
    record.return_hosts = vec!["nul \0".to_owned()];
    let error = keys.insert(&record, "", crate::fixtures::NOON).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt);
}

/// A trigger fails the first writes as a serialization failure or deadlock would.
#[tokio::test]
async fn a_conflicting_statement_is_attempted_three_times() {
    let (_guard, database) = test_database::database().await;
    let session = session_in(database.schema()).await;
    let schema = database.schema();
    for (owner, sqlstate, failures, written) in
        [("org_a", "40001", 2, true), ("org_b", "40P01", 2, true), ("org_c", "40001", 3, false)]
    {
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
            Ok(insertion) => assert!(written && matches!(insertion, InsertOutcome::Inserted(_)), "{owner}"),
            Err(error) => {
                assert!(!written && error.kind() == PortErrorKind::Unavailable, "{owner}: {error:?}")
            }
        }
        let tries: i64 = session.query_one("SELECT last_value FROM tries", &[]).await.unwrap().get(0);
        assert_eq!(tries, 3);
    }
}

#[tokio::test]
async fn a_lost_prepared_statement_is_repeated_unnamed_and_its_connection_closed() {
    let (_guard, database) = test_database::database_of(1).await;
    let keys = PgKeyStore::new(&database);
    keys.find(&id()).await.unwrap();
    database.pool().get().await.unwrap().batch_execute("DEALLOCATE ALL").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
    assert_eq!(database.pool().status().size, 0, "the connection is still open");
    // The statement's result type changed.
    let session = session_in(database.schema()).await;
    keys.find(&id()).await.unwrap();
    session.batch_execute("ALTER TABLE api_keys ALTER COLUMN tier TYPE varchar(20)").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
}

/// A statement without a name cannot be lost, so the error is not about that.
#[tokio::test]
async fn an_unnamed_statement_is_not_repeated_for_a_lost_name() {
    let (_guard, database) = test_database::database().await;
    let session = session_in(database.schema()).await;
    session
        .batch_execute(&format!(
            "CREATE SEQUENCE attempts; \
             CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM nextval('{}.attempts'); RAISE EXCEPTION SQLSTATE '0A000'; END $$; \
             CREATE TRIGGER fail BEFORE INSERT ON bindings FOR EACH ROW EXECUTE FUNCTION fail()",
            database.schema()
        ))
        .await
        .unwrap();
    for (mode, attempts) in [(StatementMode::Prepared, 2_i64), (StatementMode::Unnamed, 3)] {
        let bindings =
            PgBindingRepo::new(&database.clone().with_statement_mode(mode).with_app(AppNumber::FIRST));
        let error = bindings.insert(binding("org_a", 1, "s")).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unexpected, "{mode:?}");
        let made: i64 = session.query_one("SELECT last_value FROM attempts", &[]).await.unwrap().get(0);
        assert_eq!(made, attempts, "{mode:?}");
    }
}

#[test]
fn debug_output_shows_the_schema_and_nothing_of_the_url() {
    let pool = open_pool(&"postgres://canary:canary@canary/canary".into(), 1).unwrap();
    let database = Database::new(pool);
    let migrator = Migrator::new(database.pool().clone(), database.schema().clone());
    let usage = PgKeyUsage::new(&database);
    for text in [format!("{database:?}"), format!("{migrator:?}"), format!("{usage:?}")] {
        assert!(text.contains("dockline") && !text.contains("canary"), "{text}");
    }
}
