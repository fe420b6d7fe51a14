//! What GitHub said: facts, never a binding.

use dockline::ports::{BindingRepo, InsertOutcome};
use dockline::{Binding, Status};

use super::{NOON, account, bind, found, gone, installation, new_binding, organization, present, seconds};

/// A webhook binds nothing (L-29).
pub async fn an_observation_makes_no_binding(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Active, "acme-coffee", NOON)).await.unwrap();
    repo.observe(installation(2), gone(NOON)).await.unwrap();
    for number in [1, 2] {
        assert_eq!(repo.find_by_installation(installation(number)).await.unwrap(), None);
    }
}

/// Facts change; the tenant, the grant and its proof do not (I4, L-29).
pub async fn an_observation_moves_no_binding(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Suspended, "renamed", seconds(60))).await.unwrap();
    let after = repo.find_by_installation(installation(1)).await.unwrap().unwrap();
    assert_eq!(after.organization, before.organization);
    assert_eq!(after.registered_at, before.registered_at); // I4
    assert_eq!((after.proof, after.proven_by), (before.proof, before.proven_by));
}

/// Status, account and time follow what GitHub said (L-53, L-57).
pub async fn facts_about_a_bound_installation_show_in_its_binding(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Suspended, "renamed", seconds(60))).await.unwrap();
    let after = found(repo, "acme").await.unwrap();
    let expected = Binding {
        account: account("renamed"),
        status: Status::Suspended,
        last_verified_at: seconds(60),
        generation: after.generation,
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), Some(expected));
}

/// Both orders work: facts are kept by installation id (L-28).
pub async fn facts_about_an_unbound_installation_are_remembered(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Suspended, "acme-coffee", seconds(60))).await.unwrap();
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!((binding.status, binding.last_verified_at), (Status::Suspended, seconds(60)));
}

/// Tokens that were cached under another status are fenced (L-41).
pub async fn a_change_of_status_raises_the_generation(repo: &dyn BindingRepo) {
    let mut generation = bind(repo, new_binding("acme", 1, "state")).await.generation;
    let there = |status, after| present(status, "acme-coffee", seconds(after));
    for observation in [there(Status::Suspended, 60), there(Status::Active, 61), gone(seconds(62))] {
        repo.observe(installation(1), observation).await.unwrap();
        let raised = found(repo, "acme").await.unwrap().generation;
        assert!(raised > generation, "{raised} after {generation}");
        generation = raised;
    }
}

/// Tokens that were cached under another account are fenced (L-13, L-41).
pub async fn a_change_of_account_raises_the_generation(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Active, "renamed", seconds(60))).await.unwrap();
    assert!(found(repo, "acme").await.unwrap().generation > before.generation);
}

/// Hints are idempotent: no change, no new generation (L-32).
pub async fn an_observation_without_news_moves_only_the_time(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    assert_eq!(found(repo, "acme").await, Some(Binding { last_verified_at: seconds(60), ..before }));
}

/// Two answers of one moment: the later call counts, and a repeated call changes nothing more (I22).
pub async fn an_observation_of_the_same_time_counts(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    for status in [Status::Suspended, Status::Active] {
        repo.observe(installation(1), present(status, "acme-coffee", NOON)).await.unwrap();
        assert_eq!(found(repo, "acme").await.unwrap().status, status);
    }
    let before = found(repo, "acme").await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", NOON)).await.unwrap();
    assert_eq!(found(repo, "acme").await, before);
}

/// A late delivery does not clear a suspension (I22, L-30).
pub async fn an_older_observation_changes_nothing(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Suspended, "renamed", seconds(60))).await.unwrap();
    let before = found(repo, "acme").await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(59))).await.unwrap();
    assert_eq!(found(repo, "acme").await, before);
}

/// An uninstalled binding is still there to be seen and detached (L-29, L-35).
pub async fn the_end_of_an_installation_does_not_release_its_binding(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), gone(seconds(60))).await.unwrap();
    let after = found(repo, "acme").await.unwrap();
    let expected = Binding {
        status: Status::Uninstalled,
        last_verified_at: seconds(60),
        generation: after.generation,
        ..before
    };
    assert_eq!(after, expected);
}

/// `uninstalled` is absorbing, whatever the time of what says otherwise (I7, L-31).
pub async fn nothing_brings_an_uninstalled_installation_back(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), gone(seconds(60))).await.unwrap();
    let before = found(repo, "acme").await.unwrap();
    for (status, after) in [(Status::Active, 59), (Status::Active, 61), (Status::Suspended, 62)] {
        repo.observe(installation(1), present(status, "acme-coffee", seconds(after))).await.unwrap();
        let now = found(repo, "acme").await.unwrap();
        assert_eq!((now.status, now.generation), (Status::Uninstalled, before.generation));
        assert!(now.last_verified_at >= before.last_verified_at);
    }
}

/// The end counts whenever it is heard of, and `verified_at` does not go back (I7).
pub async fn the_end_counts_also_where_it_is_older_than_what_is_known(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    repo.observe(installation(1), gone(seconds(30))).await.unwrap();
    let now = found(repo, "acme").await.unwrap();
    assert_eq!((now.status, now.last_verified_at), (Status::Uninstalled, seconds(60)));
}

/// A second `deleted` is no change (L-32).
pub async fn a_repeated_end_raises_no_generation(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), gone(seconds(60))).await.unwrap();
    let before = found(repo, "acme").await.unwrap();
    repo.observe(installation(1), gone(seconds(70))).await.unwrap();
    assert_eq!(found(repo, "acme").await, Some(Binding { last_verified_at: seconds(70), ..before }));
}

/// The memory of an uninstall outlives later, wrong news (I7, L-28).
pub async fn an_id_that_was_seen_only_as_gone_stays_gone(repo: &dyn BindingRepo) {
    repo.observe(installation(1), gone(NOON)).await.unwrap();
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    let mut new = new_binding("acme", 1, "state");
    new.last_verified_at = seconds(61);
    assert_eq!(repo.insert(new).await.unwrap(), InsertOutcome::Gone);
    assert_eq!(repo.find(&organization("acme")).await.unwrap(), None);
}

/// `Present` cannot say this by contract; a repository that is told all the same counts it as the end (I7).
pub async fn uninstalled_is_final_however_it_is_said(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Uninstalled, "acme-coffee", seconds(1))).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 1, "state")).await.unwrap(), InsertOutcome::Gone);
    bind(repo, new_binding("acme", 2, "state")).await;
    repo.observe(installation(2), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    // Older than what is known, and yet the end.
    repo.observe(installation(2), present(Status::Uninstalled, "acme-coffee", seconds(30))).await.unwrap();
    repo.observe(installation(2), present(Status::Active, "acme-coffee", seconds(90))).await.unwrap();
    assert_eq!(found(repo, "acme").await.unwrap().status, Status::Uninstalled);
}
