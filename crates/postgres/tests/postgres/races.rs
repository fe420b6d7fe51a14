//! What the loser of a race gets: another session holds its transaction open until the adapter's statement is known to
//! wait for it, so that the outcome does not depend on luck.

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReleaseOutcome};
use dockline::{Binding, NewBinding, Status};
use dockline_postgres::tokio_postgres::Client;
use dockline_postgres::{Database, PgBindingRepo};
use time::Duration;

use crate::fixtures::{NOON, account, binding, installation, organization};
use crate::fresh::{Fresh, session_in};
use crate::migrated;
use crate::migrated::until_blocked;

/// The rival's registration, word for word what the adapter writes, in a transaction that is still open.
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

/// Ends the rival's transaction once the insert waits for it.
async fn lose_to(database: &Database, rival: Client, end: &str, new: NewBinding) -> InsertOutcome {
    let bindings = PgBindingRepo::new(database);
    let loser = tokio::spawn(async move { bindings.insert(new).await });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute(end).await.unwrap();
    loser.await.unwrap().unwrap()
}

fn occupied(insertion: InsertOutcome) -> Binding {
    let InsertOutcome::Occupied(binding) = insertion else { panic!("{insertion:?}") };
    binding
}

#[tokio::test]
async fn a_twin_that_loses_is_told_of_the_row_that_won() {
    let (_fresh, database) = migrated::database().await;
    let rival = rival(&database, "org_a", 1, "theirs").await;
    let won = occupied(lose_to(&database, rival, "COMMIT", binding("org_a", 1, "ours")).await);
    assert_eq!((won.installation, won.registered_at), (installation(1), NOON - Duration::seconds(7_199)));
}

#[tokio::test]
async fn the_same_post_twice_at_once_is_one_row() {
    let (_fresh, database) = migrated::database().await;
    let rival = rival(&database, "org_a", 1, "same").await;
    let won = occupied(lose_to(&database, rival, "COMMIT", binding("org_a", 1, "same")).await);
    assert_eq!(won.registered_at, NOON - Duration::seconds(7_199));
}

#[tokio::test]
async fn an_organization_that_bound_another_installation_meanwhile_is_told_of_it() {
    let (_fresh, database) = migrated::database().await;
    let rival = rival(&database, "org_a", 1, "theirs").await;
    let won = occupied(lose_to(&database, rival, "COMMIT", binding("org_a", 2, "ours")).await);
    assert_eq!(won.installation, installation(1));
    let lost = PgBindingRepo::new(&database).find_by_installation(installation(2)).await.unwrap();
    assert_eq!(lost, None);
}

#[tokio::test]
async fn an_installation_that_another_organization_took_meanwhile_is_taken() {
    let (_fresh, database) = migrated::database().await;
    let rival = rival(&database, "org_b", 1, "theirs").await;
    assert_eq!(lose_to(&database, rival, "COMMIT", binding("org_a", 1, "ours")).await, InsertOutcome::Taken);
}

#[tokio::test]
async fn a_rival_that_gives_up_leaves_nothing_in_the_way() {
    let (_fresh, database) = migrated::database().await;
    for (owner, number) in [("org_b", 1), ("org_a", 2)] {
        let rival = rival(&database, owner, number, "theirs").await;
        let outcome = lose_to(&database, rival, "ROLLBACK", binding("org_a", 1, owner)).await;
        assert!(matches!(outcome, InsertOutcome::Inserted(_)), "{outcome:?}");
        let released = PgBindingRepo::new(&database)
            .release(&organization("org_a"), installation(1), NOON)
            .await
            .unwrap();
        assert!(matches!(released, ReleaseOutcome::Released(_)));
    }
}

/// Write skew would leave a binding to a dead installation (I7).
#[tokio::test]
async fn an_installation_that_was_uninstalled_meanwhile_is_gone() {
    let (_fresh, database) = migrated::database().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; INSERT INTO installations (installation_id, status, verified_at, generation) \
             VALUES (1, 'uninstalled', '2026-03-01 10:00Z', 1)",
        )
        .await
        .unwrap();
    assert_eq!(lose_to(&database, rival, "COMMIT", binding("org_a", 1, "ours")).await, InsertOutcome::Gone);
}

#[tokio::test]
async fn a_state_that_was_spent_and_released_meanwhile_stays_spent() {
    let (_fresh, database) = migrated::database().await;
    let rival = rival(&database, "org_a", 1, "same").await;
    rival
        .batch_execute(
            "UPDATE bindings SET released_at = '2026-03-01 11:00Z'; UPDATE installations SET organization = NULL",
        )
        .await
        .unwrap();
    assert_eq!(lose_to(&database, rival, "COMMIT", binding("org_a", 1, "same")).await, InsertOutcome::Spent);
}

async fn bound() -> (Fresh, Database, PgBindingRepo) {
    let (fresh, database) = migrated::database().await;
    let bindings = PgBindingRepo::new(&database);
    let inserted = bindings.insert(binding("org_a", 1, "first")).await.unwrap();
    assert!(matches!(inserted, InsertOutcome::Inserted(_)));
    (fresh, database, bindings)
}

/// Releases once `rival` commits.
async fn release_after(database: &Database, bindings: &PgBindingRepo, rival: Client) -> ReleaseOutcome {
    let second = bindings.clone();
    let loser = tokio::spawn(async move {
        second.release(&organization("org_a"), installation(1), NOON + Duration::HOUR).await
    });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute("COMMIT").await.unwrap();
    loser.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_release_tells_what_was_learned_before_it() {
    let (_fresh, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute("BEGIN; UPDATE installations SET status = 'suspended', generation = generation + 1")
        .await
        .unwrap();
    let ReleaseOutcome::Released(binding) = release_after(&database, &bindings, rival).await else {
        panic!("kept")
    };
    assert_eq!((binding.status, binding.generation), (Status::Suspended, 2));
}

#[tokio::test]
async fn of_two_releases_one_finds_nothing_bound() {
    let (_fresh, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute(RELEASE).await.unwrap();
    assert_eq!(release_after(&database, &bindings, rival).await, ReleaseOutcome::NothingBound);
}

const RELEASE: &str = "BEGIN; UPDATE bindings SET released_at = '2026-03-01 13:00Z' WHERE released_at IS NULL; \
    UPDATE installations SET organization = NULL, generation = generation + 1";

/// The release was asked for when the first binding stood: the next one is not its business.
#[tokio::test]
async fn a_release_does_not_end_a_binding_that_was_made_while_it_waited() {
    let (_fresh, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute(RELEASE).await.unwrap();
    bind(&rival, "org_a", 1, "second").await;
    assert_eq!(release_after(&database, &bindings, rival).await, ReleaseOutcome::NothingBound);
    assert!(bindings.find(&organization("org_a")).await.unwrap().is_some());
}

/// Observes once `rival`, who holds the row, commits.
async fn observe_after(
    database: &Database,
    bindings: &PgBindingRepo,
    rival: Client,
    observation: Observation,
) -> ObserveOutcome {
    let second = bindings.clone();
    let late = tokio::spawn(async move { second.observe(installation(1), observation).await });
    until_blocked(database.schema(), 1).await;
    rival.batch_execute("COMMIT").await.unwrap();
    late.await.unwrap().unwrap()
}

fn an_hour_later() -> Observation {
    let verified_at = NOON + Duration::HOUR;
    Observation::Present { status: Status::Active, account: account(1), verified_at }
}

/// What the statement saw first was older than the facts; what it is answered is of the moment of writing.
#[tokio::test]
async fn an_older_observation_that_waited_for_a_newer_one_is_outdated_and_changes_nothing() {
    let (_fresh, database, bindings) = bound().await;
    let rival = session_in(database.schema()).await;
    rival
        .batch_execute(
            "BEGIN; UPDATE installations SET status = 'suspended', verified_at = '2026-03-02 00:00Z'",
        )
        .await
        .unwrap();
    assert_eq!(observe_after(&database, &bindings, rival, an_hour_later()).await, ObserveOutcome::Outdated);
    let kept = bindings.find(&organization("org_a")).await.unwrap().unwrap();
    assert_eq!((kept.status, kept.generation), (Status::Suspended, 1));
}

#[tokio::test]
async fn an_observation_that_waited_for_the_end_is_of_what_is_gone() {
    for observation in [an_hour_later(), Observation::PermissionsChanged] {
        let (_fresh, database, bindings) = bound().await;
        let rival = session_in(database.schema()).await;
        let end = "BEGIN; UPDATE installations SET status = 'uninstalled', generation = generation + 1";
        rival.batch_execute(end).await.unwrap();
        assert_eq!(observe_after(&database, &bindings, rival, observation).await, ObserveOutcome::Gone);
        let kept = bindings.find(&organization("org_a")).await.unwrap().unwrap();
        assert_eq!((kept.status, kept.generation), (Status::Uninstalled, 2));
    }
}

/// The rival's row was not there when the statement began.
#[tokio::test]
async fn an_observation_that_waited_for_the_first_news_is_judged_against_it() {
    for (status, verified, expected) in [
        ("active", "2026-03-01 12:30Z", ObserveOutcome::Recorded),
        ("active", "2026-03-01 13:00:00.000001Z", ObserveOutcome::Outdated),
        ("uninstalled", "2026-03-01 12:30Z", ObserveOutcome::Gone),
    ] {
        let (_fresh, database) = migrated::database().await;
        let rival = session_in(database.schema()).await;
        rival
            .batch_execute(&format!(
                "BEGIN; INSERT INTO installations (installation_id, account_id, account_login, account_kind, status, \
                  verified_at, generation) VALUES (1, 1, 'account-1', 'User', '{status}', '{verified}', 1)"
            ))
            .await
            .unwrap();
        let bindings = PgBindingRepo::new(&database);
        assert_eq!(observe_after(&database, &bindings, rival, an_hour_later()).await, expected);
    }
}

#[tokio::test]
async fn an_installer_who_waited_for_another_one_is_not_noted() {
    for (end, expected) in [("COMMIT", 77), ("ROLLBACK", 78)] {
        let (_fresh, database) = migrated::database().await;
        let rival = session_in(database.schema()).await;
        rival
            .batch_execute("BEGIN; INSERT INTO installers VALUES (1, 77, '2026-03-01 12:00Z')")
            .await
            .unwrap();
        let bindings = PgBindingRepo::new(&database);
        let second = bindings.clone();
        let late =
            tokio::spawn(async move { second.record_installer(installation(1), account(78).id, NOON).await });
        until_blocked(database.schema(), 1).await;
        rival.batch_execute(end).await.unwrap();
        late.await.unwrap().unwrap();
        assert_eq!(bindings.installer(installation(1)).await.unwrap(), Some(account(expected).id));
    }
}
