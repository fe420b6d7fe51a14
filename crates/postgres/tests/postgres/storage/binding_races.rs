//! Outcomes of calls that wait for a concurrent transaction. A second session keeps its transaction open until the
//! adapter's statement is blocked by it, so that the order is certain.

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileScope, ReleaseOutcome,
};
use dockline::{Binding, NewBinding, Presence, Status, UninstalledBy};
use dockline_postgres::tokio_postgres::Client;
use dockline_postgres::{AppNumber, Database, PgBindingRepo};
use time::Duration;

use crate::fixtures::{NOON, account, binding, installation, installer, organization};
use crate::test_database;
use crate::test_database::until_blocked;
use crate::test_schema::{SchemaGuard, session_in};

/// Writes the rows of a registration in a transaction, which stays open.
async fn rival(database: &Database, owner: &str, number: u64, state: &str) -> Client {
    let session = session_in(database.schema()).await;
    session.batch_execute("BEGIN").await.unwrap();
    bind(&session, owner, number, state).await;
    session
}

async fn bind(session: &Client, owner: &str, number: u64, state: &str) {
    session
        .batch_execute(&format!(
            "INSERT INTO installations (installation_id, organization, account_id, account_login, account_kind, status, \
              verified_at, generation) \
             VALUES ({number}, '{owner}', {number}, 'account-{number}', 'Organization', 'active', '2026-03-01 10:00Z', 1) \
             ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET organization = excluded.organization; \
             INSERT INTO bindings (organization, installation_id, spent, proof, registered_at) \
             VALUES ('{owner}', {number}, sha256('{state}'), 'administered', '2026-03-01 10:00:01Z')"
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
            .release(&organization("org_a"), installation(1), NOON)
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
             VALUES (1, 'uninstalled', 'deletion', '2026-03-01 10:00Z', 1)",
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
            "UPDATE bindings SET released_at = '2026-03-01 11:00Z'; UPDATE installations SET organization = NULL",
        )
        .await
        .unwrap();
    assert_eq!(
        insert_during(&database, rival, "COMMIT", binding("org_a", 1, "same")).await,
        InsertOutcome::Spent
    );
}

async fn bound() -> (SchemaGuard, Database, PgBindingRepo) {
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
        second.release(&organization("org_a"), installation(1), NOON + Duration::HOUR).await
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

const RELEASE: &str = "BEGIN; UPDATE bindings SET released_at = '2026-03-01 13:00Z' WHERE released_at IS NULL; \
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

/// Observes, and commits `rival`'s transaction as soon as the observation waits for it.
async fn observe_during(
    database: &Database,
    bindings: &PgBindingRepo,
    rival: Client,
    observation: Observation,
) -> ObserveOutcome {
    let second = bindings.clone();
    let waiting = tokio::spawn(async move { second.observe(installation(1), observation).await });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap()
}

fn an_hour_later() -> Observation {
    let asked_at = NOON + Duration::HOUR;
    Observation::Present { status: Status::Active, account: account(1), asked_at, next_look_at: asked_at }
}

/// The statement's snapshot is older than the concurrent observation, but its outcome must not be.
#[tokio::test]
async fn an_observation_older_than_the_concurrent_one_is_outdated_and_changes_nothing() {
    let (_guard, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; UPDATE installations SET status = 'suspended', verified_at = '2026-03-02 00:00Z'",
        )
        .await
        .unwrap();
    assert_eq!(observe_during(&database, &bindings, rival, an_hour_later()).await, ObserveOutcome::Outdated);
    let kept = bindings.find(&organization("org_a")).await.unwrap().unwrap();
    assert_eq!((kept.status, kept.generation), (Status::Suspended, 1));
}

#[tokio::test]
async fn an_observation_during_an_uninstall_is_gone() {
    let missing = Observation::Missing { asked_at: NOON + Duration::HOUR };
    for observation in [an_hour_later(), Observation::PermissionsChanged, missing] {
        let (_guard, database, bindings) = bound().await;
        let rival = session_in(database.schema()).await;
        let end = "BEGIN; UPDATE installations SET status = 'uninstalled', uninstalled_by = 'deletion', \
            generation = generation + 1";
        rival.batch_execute(end).await.unwrap();
        assert_eq!(observe_during(&database, &bindings, rival, observation).await, ObserveOutcome::Gone);
        let kept = bindings.find(&organization("org_a")).await.unwrap().unwrap();
        assert_eq!((kept.status, kept.generation), (Status::Uninstalled, 2));
    }
}

/// The statement's snapshot is older than the concurrent look, but its outcome must not be.
#[tokio::test]
async fn a_404_older_than_a_concurrent_200_is_outdated_and_changes_nothing() {
    let (_guard, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute("BEGIN; UPDATE installations SET verified_at = '2026-03-02 00:00Z', observed_at = '2026-03-02 00:00Z'")
        .await
        .unwrap();
    let missing = Observation::Missing { asked_at: NOON + Duration::HOUR };
    assert_eq!(observe_during(&database, &bindings, rival, missing).await, ObserveOutcome::Outdated);
    let kept = bindings.find(&organization("org_a")).await.unwrap().unwrap();
    assert_eq!((kept.life.presence, kept.generation), (Presence::Shown, 1));
}

/// Two 404s at once: the second one is judged by the row that the first one wrote.
#[tokio::test]
async fn a_404_during_another_one_is_counted_after_it() {
    let (_guard, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; UPDATE installations SET missing_since = '2026-03-01 12:30Z', missing_looks = 1, \
             missing_last = '2026-03-01 12:30Z', observed_at = '2026-03-01 12:30Z', denied_number = 1",
        )
        .await
        .unwrap();
    let missing = Observation::Missing { asked_at: NOON + Duration::HOUR };
    assert_eq!(observe_during(&database, &bindings, rival, missing).await, ObserveOutcome::Recorded);
    let since = NOON + Duration::minutes(30);
    let kept = bindings.find(&organization("org_a")).await.unwrap().unwrap();
    assert_eq!(kept.life.presence, Presence::Missing { since, looks: 2, last: NOON + Duration::HOUR });
}

/// The previous release stores an end without its source, and looks without `observed_at`.
#[tokio::test]
async fn rows_that_the_previous_release_writes_are_understood() {
    let (_guard, database, bindings) = bound().await;
    let session = session_in(database.schema()).await;
    let presence = async || bindings.find(&organization("org_a")).await.unwrap().unwrap().life.presence;
    session
        .batch_execute("UPDATE installations SET status = 'uninstalled', verified_at = '2026-03-01 13:00Z'")
        .await
        .unwrap();
    assert_eq!(presence().await, Presence::Uninstalled { by: UninstalledBy::Absence });
    let asked_at = NOON + Duration::minutes(30);
    assert_eq!(
        bindings.observe(installation(1), Observation::Missing { asked_at }).await.unwrap(),
        ObserveOutcome::Outdated
    );
    // It is looked at, and a 200 brings it back.
    let due = bindings.due(ReconcileScope::Due(NOON + Duration::DAY), None, 9).await.unwrap();
    assert_eq!(due.len(), 1);
    let shown = bindings.observe(installation(1), an_hour_later()).await.unwrap();
    assert_eq!((shown, presence().await), (ObserveOutcome::Recorded, Presence::Shown));
    // A row without any of the new columns is due at once; only an end without an account has none to bind.
    bind(&session, "org_b", 2, "state").await;
    session
        .batch_execute(
            "INSERT INTO installations (installation_id, status, verified_at, generation) \
             VALUES (3, 'uninstalled', '2026-03-01 12:00Z', 1)",
        )
        .await
        .unwrap();
    let due = bindings.due(ReconcileScope::Due(NOON + Duration::HOUR), None, 9).await.unwrap();
    assert_eq!(due.iter().map(|due| due.installation.get()).collect::<Vec<_>>(), [2]);
    let older = NewBinding { last_verified_at: NOON - Duration::HOUR, ..binding("org_c", 3, "s") };
    let inserted = bindings.insert(older).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Inserted(_)), "{inserted:?}");
}

/// The row did not exist in the statement's snapshot.
#[tokio::test]
async fn an_observation_during_the_first_one_is_compared_with_it() {
    for (status, by, verified, expected) in [
        ("active", "NULL", "2026-03-01 12:30Z", ObserveOutcome::Recorded),
        ("active", "NULL", "2026-03-01 13:00:00.000001Z", ObserveOutcome::Outdated),
        ("uninstalled", "'deletion'", "2026-03-01 12:30Z", ObserveOutcome::Gone),
        ("uninstalled", "NULL", "2026-03-01 12:30Z", ObserveOutcome::Recorded),
    ] {
        let (_guard, database) = test_database::database().await;
        let rival = session_in(database.schema()).await;
        rival
            .batch_execute(&format!(
                "BEGIN; INSERT INTO installations (installation_id, account_id, account_login, account_kind, status, \
                  uninstalled_by, verified_at, generation) \
                 VALUES (1, 1, 'account-1', 'User', '{status}', {by}, '{verified}', 1)"
            ))
            .await
            .unwrap();
        let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
        assert_eq!(observe_during(&database, &bindings, rival, an_hour_later()).await, expected);
    }
}

#[tokio::test]
async fn the_first_of_two_concurrent_installers_is_kept() {
    for (end, expected) in [("COMMIT", 77), ("ROLLBACK", 78)] {
        let (_guard, database) = test_database::database().await;
        let rival = session_in(database.schema()).await;
        rival
            .batch_execute("BEGIN; INSERT INTO installers VALUES (1, 77, '2026-03-01 12:00Z', true)")
            .await
            .unwrap();
        let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
        let second = bindings.clone();
        let waiting =
            tokio::spawn(async move { second.record_installer(installation(1), installer(78), NOON).await });
        until_blocked(database.schema(), 1).await;
        rival.batch_execute(end).await.unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(bindings.installer(installation(1)).await.unwrap(), Some(installer(expected)));
    }
}
