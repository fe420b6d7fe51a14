//! Outcomes of observations that wait for a concurrent transaction.

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileScope};
use dockline::{NewBinding, Presence, Status, UninstalledBy};
use dockline_postgres::tokio_postgres::Client;
use dockline_postgres::{AppNumber, Database, PgBindingRepo};
use time::Duration;

use super::bindings::{bind, bound};
use crate::fixtures::{NOON, account, binding, installation, installer, organization};
use crate::test_database;
use crate::test_database::until_blocked;
use crate::test_schema::session_in;

/// Observes, and commits `rival`'s transaction as soon as the observation waits for it.
async fn observe_during(
    database: &Database,
    bindings: &PgBindingRepo,
    rival: Client,
    observation: Observation,
) -> ObserveOutcome {
    let second = bindings.clone();
    let waiting = tokio::spawn(async move {
        second.observe(installation(1), observation).await.map(|observed| observed.outcome)
    });
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
            "BEGIN; UPDATE installations SET status = 'suspended', verified_at = '2026-06-02 00:00Z'",
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
    for observation in [an_hour_later(), Observation::PermissionsChanged { at: NOON }, missing] {
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
        .batch_execute("BEGIN; UPDATE installations SET verified_at = '2026-06-02 00:00Z', observed_at = '2026-06-02 00:00Z'")
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
            "BEGIN; UPDATE installations SET missing_since = '2026-06-01 12:30Z', missing_looks = 1, \
             missing_last = '2026-06-01 12:30Z', observed_at = '2026-06-01 12:30Z', denied_number = 1",
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
        .batch_execute("UPDATE installations SET status = 'uninstalled', verified_at = '2026-06-01 13:00Z'")
        .await
        .unwrap();
    assert_eq!(presence().await, Presence::Uninstalled { by: UninstalledBy::Absence });
    let asked_at = NOON + Duration::minutes(30);
    assert_eq!(
        bindings.observe(installation(1), Observation::Missing { asked_at }).await.unwrap().outcome,
        ObserveOutcome::Outdated
    );
    // It is looked at, and a 200 brings it back.
    let due = bindings.due(ReconcileScope::Due(NOON + Duration::DAY), None, 9).await.unwrap();
    assert_eq!(due.len(), 1);
    let shown = bindings.observe(installation(1), an_hour_later()).await.unwrap().outcome;
    assert_eq!((shown, presence().await), (ObserveOutcome::Recorded, Presence::Shown));
    // A row without any of the new columns is due at once; only an end without an account has none to bind.
    bind(&session, "org_b", 2, "state").await;
    session
        .batch_execute(
            "INSERT INTO installations (installation_id, status, verified_at, generation) \
             VALUES (3, 'uninstalled', '2026-06-01 12:00Z', 1)",
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
        ("active", "NULL", "2026-06-01 12:30Z", ObserveOutcome::Recorded),
        ("active", "NULL", "2026-06-01 13:00:00.000001Z", ObserveOutcome::Outdated),
        ("uninstalled", "'deletion'", "2026-06-01 12:30Z", ObserveOutcome::Gone),
        ("uninstalled", "NULL", "2026-06-01 12:30Z", ObserveOutcome::Recorded),
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
            .batch_execute("BEGIN; INSERT INTO installers VALUES (1, 77, '2026-06-01 12:00Z', true)")
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
