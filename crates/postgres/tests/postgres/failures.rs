//! What becomes of real errors.

use std::error::Error;
use std::time::{Duration, Instant};

use dockline::ports::{BindingRepo, InsertOutcome, KeyStore};
use dockline::{KeyId, PortError, PortErrorKind};
use dockline_postgres::tokio_postgres::Config;
use dockline_postgres::{Database, PgBindingRepo, PgKeyStore, open_pool};

use crate::fixtures::{binding, installation, key, organization};
use crate::fresh::{self, session_in, url, url_with};
use crate::migrated;
use crate::migrated::until_blocked;

fn id() -> KeyId {
    key("0123456789ABCDEF", "org_a").id
}

async fn find_with(url: String) -> PortError {
    let database = Database::new(open_pool(&url.into(), 1).unwrap());
    PgKeyStore::new(&database).find(&id()).await.unwrap_err()
}

/// All that a log would show.
fn chain(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_table_that_is_not_there_asks_for_the_migrations() {
    let (_fresh, schema) = fresh::name();
    let database = Database::new(open_pool(&url().into(), 1).unwrap()).with_schema(schema);
    for _ in 0..2 {
        let error = PgKeyStore::new(&database).find(&id()).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unexpected);
        assert!(chain(&error).contains("run the migrations"), "{}", chain(&error));
    }
    let (_fresh, database) = migrated::database().await;
    session_in(database.schema()).await.batch_execute("ALTER TABLE api_keys DROP COLUMN tier").await.unwrap();
    let error = PgKeyStore::new(&database).find(&id()).await.unwrap_err();
    assert!(chain(&error).contains("run the migrations"), "{}", chain(&error));
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_has_rejected_us_and_the_password_is_not_told() {
    let config: Config = url().parse().unwrap();
    let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
    let error = find_with(url().replace(&password, "canary")).await;
    assert_eq!(error.kind(), PortErrorKind::Rejected);
    assert!(!chain(&error).contains("canary"), "{}", chain(&error));
    let error = find_with(url().replace(&format!(":{password}"), "")).await;
    assert_eq!(error.kind(), PortErrorKind::Rejected, "no password at all");
    let error = find_with(url().replace("/postgres?", "/nowhere?")).await;
    assert_eq!(error.kind(), PortErrorKind::Rejected, "no such database");
}

#[tokio::test]
async fn a_missing_right_is_a_rejection() {
    let (_fresh, database) = migrated::database().await;
    let client = database.pool().get().await.unwrap();
    let role = format!("{}_role", database.schema());
    client.batch_execute(&format!("CREATE ROLE {role}")).await.unwrap();
    let poor = url_with(&format!("options=-c%20role%3D{role}"));
    let poor = Database::new(open_pool(&poor.into(), 1).unwrap()).with_schema(database.schema().clone());
    let error = PgKeyStore::new(&poor).find(&id()).await.unwrap_err();
    client.batch_execute(&format!("DROP ROLE {role}")).await.unwrap();
    assert_eq!(error.kind(), PortErrorKind::Rejected);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = find_with(format!("postgres://u:canary@127.0.0.1:{free}/d")).await;
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    assert!(!chain(&error).contains("canary"));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unavailable_in_time() {
    // The kernel accepts; nobody answers.
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
    let (_fresh, database) = migrated::database().await;
    let lock = session_in(database.schema()).await;
    for (option, insert) in [("default_transaction_read_only%3Don", true), ("statement_timeout%3D50", false)]
    {
        let url = url_with(&format!("options=-c%20{option}"));
        let other = Database::new(open_pool(&url.into(), 1).unwrap()).with_schema(database.schema().clone());
        let error = if insert {
            PgBindingRepo::new(&other).insert(binding("org_a", 1, "s")).await.unwrap_err()
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
    let (_fresh, database) = migrated::database_of(1).await;
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
async fn a_statement_beyond_the_deadline_costs_its_connection() {
    let (_fresh, database) = migrated::database_of(1).await;
    let database = database.with_deadline(Duration::from_millis(300));
    let keys = PgKeyStore::new(&database);
    keys.find(&id()).await.unwrap();
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap_err().kind(), PortErrorKind::Unavailable);
    assert_eq!(database.pool().status().size, 0, "the connection was kept");
    lock.batch_execute("COMMIT").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_that_is_dropped_costs_its_connection_and_has_its_whole_effect_or_none() {
    let (_fresh, database) = migrated::database_of(1).await;
    let bindings = PgBindingRepo::new(&database);
    let lock = session_in(database.schema()).await;
    lock.batch_execute("BEGIN; LOCK TABLE bindings").await.unwrap();
    let dropped = {
        let bindings = bindings.clone();
        tokio::spawn(async move { bindings.insert(binding("org_a", 1, "first")).await })
    };
    until_blocked(database.schema(), 1).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    assert_eq!(database.pool().status().size, 0, "the connection was kept");
    lock.batch_execute("COMMIT").await.unwrap();
    // The server goes on with the statement; either way the same call again is answered.
    let again = bindings.insert(binding("org_a", 1, "first")).await.unwrap();
    assert!(matches!(again, InsertOutcome::Inserted(_) | InsertOutcome::Occupied(_)), "{again:?}");
    let by_organization = bindings.find(&organization("org_a")).await.unwrap();
    assert!(by_organization.is_some());
    assert_eq!(bindings.find_by_installation(installation(1)).await.unwrap(), by_organization);
}

#[tokio::test]
async fn what_does_not_parse_is_corrupt() {
    let (_fresh, database) = migrated::database().await;
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
    // A value that no text column takes.
    let mut record = key("0123456789ABCDE0", "org_a");
    record.return_hosts = vec!["nul \0".to_owned()];
    let error = keys.insert(&record, "", crate::fixtures::NOON).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt);
}

/// The trigger refuses as many writes as it is told to, in the way of a lost race.
#[tokio::test]
async fn a_statement_that_is_undone_is_tried_three_times() {
    let (_fresh, database) = migrated::database().await;
    let session = session_in(database.schema()).await;
    let schema = database.schema();
    for (owner, sqlstate, refused, written) in
        [("org_a", "40001", 2, true), ("org_b", "40P01", 2, true), ("org_c", "40001", 3, false)]
    {
        session
            .batch_execute(&format!(
                "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries; \
                 CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('{schema}.tries') <= {refused} THEN RAISE EXCEPTION SQLSTATE '{sqlstate}'; END IF; \
                 RETURN NEW; END $$; \
                 CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON bindings FOR EACH ROW EXECUTE FUNCTION refuse()"
            ))
            .await
            .unwrap();
        let number = u64::from(owner.as_bytes()[4]);
        let outcome = PgBindingRepo::new(&database).insert(binding(owner, number, "s")).await;
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
async fn prepared_statements_that_the_server_lost_are_sent_again() {
    let (_fresh, database) = migrated::database_of(1).await;
    let keys = PgKeyStore::new(&database);
    keys.find(&id()).await.unwrap();
    database.pool().get().await.unwrap().batch_execute("DEALLOCATE ALL").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
    // The plan's result changed under it.
    let session = session_in(database.schema()).await;
    keys.find(&id()).await.unwrap();
    session.batch_execute("ALTER TABLE api_keys ALTER COLUMN tier TYPE varchar(20)").await.unwrap();
    assert_eq!(keys.find(&id()).await.unwrap(), None);
}
