//! Outcomes of calls that wait for a concurrent transaction. A second session keeps its transaction open until the
//! adapter's statement is blocked by it, so that the order is certain.

use dockline::ports::{BindingRepo, InsertOutcome, ReleaseOutcome};
use dockline::{Binding, NewBinding, Status};
use dockline_postgres::tokio_postgres::Client;
use dockline_postgres::{AppNumber, Database, PgBindingRepo};
use time::Duration;

use crate::fixtures::{NOON, actor, binding, installation, organization};
use crate::test_database;
use crate::test_database::until_blocked;
use crate::test_schema::{SchemaGuard, session_in};

/// Writes the rows of a registration in a transaction, which stays open.
pub(super) async fn rival(database: &Database, owner: &str, number: u64, state: &str) -> Client {
    let session = session_in(database.schema()).await;
    session.batch_execute("BEGIN").await.unwrap();
    bind(&session, owner, number, state).await;
    session
}

pub(super) async fn bind(session: &Client, owner: &str, number: u64, state: &str) {
    session
        .batch_execute(&format!(
            "INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
              verified_at, generation) \
             VALUES ({number}, '{owner}', {number}, 'account-{number}', 'Organization', 'active', '2026-06-01 10:00Z', 1) \
             ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET organization = excluded.organization; \
             INSERT INTO bindings (organization, installation_id, spent, proof, registered_at) \
             VALUES ('{owner}', {number}, sha256('{state}'), 'administered', '2026-06-01 10:00:01Z')"
        ))
        .await
        .unwrap();
}

/// Inserts `new`, and ends the rival's transaction by `end` as soon as the insert waits for it.
async fn insert_during(database: &Database, rival: Client, end: &str, new: NewBinding) -> InsertOutcome {
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    let waiting = tokio::spawn(async move { bindings.insert(new).await });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute(end).await.unwrap();
    waiting.await.unwrap().unwrap()
}

fn occupied(insertion: InsertOutcome) -> Binding {
    let InsertOutcome::Occupied(binding) = insertion else { panic!("{insertion:?}") };
    binding
}

#[tokio::test]
async fn a_duplicate_registration_returns_the_row_of_the_first() {
    let (_guard, database) = test_database::database().await;
    let rival = rival(&database, "org_a", 1, "theirs").await;
    let won = occupied(insert_during(&database, rival, "COMMIT", binding("org_a", 1, "ours")).await);
    assert_eq!((won.installation, won.registered_at), (installation(1), NOON - Duration::seconds(7_199)));
}

#[tokio::test]
async fn two_registrations_with_one_state_make_one_row() {
    let (_guard, database) = test_database::database().await;
    let rival = rival(&database, "org_a", 1, "same").await;
    let won = occupied(insert_during(&database, rival, "COMMIT", binding("org_a", 1, "same")).await);
    assert_eq!(won.registered_at, NOON - Duration::seconds(7_199));
}

#[tokio::test]
async fn an_organization_that_bound_another_installation_meanwhile_gets_that_binding() {
    let (_guard, database) = test_database::database().await;
    let rival = rival(&database, "org_a", 1, "theirs").await;
    let won = occupied(insert_during(&database, rival, "COMMIT", binding("org_a", 2, "ours")).await);
    assert_eq!(won.installation, installation(1));
    assert_eq!(
        PgBindingRepo::new(&database.with_app(AppNumber::FIRST)).installation(installation(2)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn an_installation_that_another_organization_took_meanwhile_is_taken() {
    let (_guard, database) = test_database::database().await;
    let rival = rival(&database, "org_b", 1, "theirs").await;
    assert_eq!(
        insert_during(&database, rival, "COMMIT", binding("org_a", 1, "ours")).await,
        InsertOutcome::Taken
    );
}

#[tokio::test]
async fn a_rolled_back_registration_prevents_nothing() {
    let (_guard, database) = test_database::database().await;
    for (owner, number) in [("org_b", 1), ("org_a", 2)] {
        let rival = rival(&database, owner, number, "theirs").await;
        let outcome = insert_during(&database, rival, "ROLLBACK", binding("org_a", 1, owner)).await;
        assert!(matches!(outcome, InsertOutcome::Inserted(_)), "{outcome:?}");
        let released = PgBindingRepo::new(&database.with_app(AppNumber::FIRST))
            .release(&organization("org_a"), installation(1), &actor(), NOON)
            .await
            .unwrap();
        assert!(matches!(released, ReleaseOutcome::Released(_)));
    }
}

/// I7: write skew would leave a live binding to an uninstalled installation.
#[tokio::test]
async fn an_installation_that_was_uninstalled_meanwhile_is_gone() {
    let (_guard, database) = test_database::database().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; INSERT INTO installations (installation_id, status, uninstalled_by, verified_at, generation) \
             VALUES (1, 'uninstalled', 'deletion', '2026-06-01 10:00Z', 1)",
        )
        .await
        .unwrap();
    assert_eq!(
        insert_during(&database, rival, "COMMIT", binding("org_a", 1, "ours")).await,
        InsertOutcome::Gone
    );
}

#[tokio::test]
async fn a_state_that_was_spent_and_released_meanwhile_stays_spent() {
    let (_guard, database) = test_database::database().await;
    let rival = rival(&database, "org_a", 1, "same").await;
    rival
        .batch_execute(
            "UPDATE bindings SET released_at = '2026-06-01 11:00Z'; UPDATE installations SET organization = NULL",
        )
        .await
        .unwrap();
    assert_eq!(
        insert_during(&database, rival, "COMMIT", binding("org_a", 1, "same")).await,
        InsertOutcome::Spent
    );
}

pub(super) async fn bound() -> (SchemaGuard, Database, PgBindingRepo) {
    let (fresh, database) = test_database::database().await;
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    let inserted = bindings.insert(binding("org_a", 1, "first")).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Inserted(_)));
    (fresh, database, bindings)
}

/// Releases, and commits `rival`'s transaction as soon as the release waits for it.
async fn release_during(database: &Database, bindings: &PgBindingRepo, rival: Client) -> ReleaseOutcome {
    let second = bindings.clone();
    let waiting = tokio::spawn(async move {
        second.release(&organization("org_a"), installation(1), &actor(), NOON + Duration::HOUR).await
    });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_release_returns_the_status_that_was_observed_meanwhile() {
    let (_guard, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute("BEGIN; UPDATE installations SET status = 'suspended', generation = generation + 1")
        .await
        .unwrap();
    let ReleaseOutcome::Released(binding) = release_during(&database, &bindings, rival).await else {
        panic!("not released")
    };
    assert_eq!((binding.status, binding.generation), (Status::Suspended, 2));
}

#[tokio::test]
async fn of_two_releases_one_finds_nothing_bound() {
    let (_guard, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute(RELEASE).await.unwrap();
    assert_eq!(release_during(&database, &bindings, rival).await, ReleaseOutcome::NothingBound);
}

const RELEASE: &str = "BEGIN; UPDATE bindings SET released_at = '2026-06-01 13:00Z' WHERE released_at IS NULL; \
    UPDATE installations SET organization = NULL, generation = generation + 1";

/// The release refers to the binding that was live when it was called.
#[tokio::test]
async fn a_release_does_not_end_a_binding_that_was_made_meanwhile() {
    let (_guard, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute(RELEASE).await.unwrap();
    bind(&rival, "org_a", 1, "second").await;
    assert_eq!(release_during(&database, &bindings, rival).await, ReleaseOutcome::NothingBound);
    assert!(bindings.find(&organization("org_a")).await.unwrap().is_some());
}
