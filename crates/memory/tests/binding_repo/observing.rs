use dockline::ports::{BindingRepo, Insertion};
use dockline::{Binding, Status};

use crate::fixtures::{
    NOON, account, bind, found, gone, installation, new_binding, organization, present, seconds,
};

pub(crate) async fn an_observation_makes_no_binding(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Active, "acme-coffee", NOON)).await.unwrap();
    repo.observe(installation(2), gone(NOON)).await.unwrap();
    for number in [1, 2] {
        assert_eq!(repo.find_by_installation(installation(number)).await.unwrap(), None);
    }
}

// L-29: facts change, the tenant does not.
pub(crate) async fn an_observation_moves_no_binding(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Suspended, "renamed", seconds(60))).await.unwrap();
    let after = repo.find_by_installation(installation(1)).await.unwrap().unwrap();
    assert_eq!(after.organization, before.organization);
    assert_eq!(after.registered_at, before.registered_at); // I4
    assert_eq!((after.proof, after.proven_by), (before.proof, before.proven_by));
}

pub(crate) async fn facts_about_a_bound_installation_show_in_its_binding(repo: &dyn BindingRepo) {
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

// L-28
pub(crate) async fn facts_about_an_unbound_installation_are_remembered(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Suspended, "acme-coffee", seconds(60))).await.unwrap();
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!((binding.status, binding.last_verified_at), (Status::Suspended, seconds(60)));
}

pub(crate) async fn a_change_of_status_raises_the_generation(repo: &dyn BindingRepo) {
    let mut generation = bind(repo, new_binding("acme", 1, "state")).await.generation;
    let there = |status, after| present(status, "acme-coffee", seconds(after));
    for observation in [there(Status::Suspended, 60), there(Status::Active, 61), gone(seconds(62))] {
        repo.observe(installation(1), observation).await.unwrap();
        let raised = found(repo, "acme").await.unwrap().generation;
        assert!(raised > generation, "{raised} after {generation}");
        generation = raised;
    }
}

pub(crate) async fn a_change_of_account_raises_the_generation(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Active, "renamed", seconds(60))).await.unwrap();
    assert!(found(repo, "acme").await.unwrap().generation > before.generation);
}

pub(crate) async fn an_observation_without_news_moves_only_the_time(repo: &dyn BindingRepo) {
    let before = bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    assert_eq!(found(repo, "acme").await, Some(Binding { last_verified_at: seconds(60), ..before }));
}

// L-30: a late delivery does not clear a suspension.
pub(crate) async fn an_older_observation_changes_nothing(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Suspended, "renamed", seconds(60))).await.unwrap();
    let before = found(repo, "acme").await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(59))).await.unwrap();
    assert_eq!(found(repo, "acme").await, before);
}

pub(crate) async fn the_end_of_an_installation_does_not_release_its_binding(repo: &dyn BindingRepo) {
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

// I7, L-31
pub(crate) async fn nothing_brings_an_uninstalled_installation_back(repo: &dyn BindingRepo) {
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

pub(crate) async fn the_end_counts_also_where_it_is_older_than_what_is_known(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    repo.observe(installation(1), gone(seconds(30))).await.unwrap();
    let now = found(repo, "acme").await.unwrap();
    assert_eq!((now.status, now.last_verified_at), (Status::Uninstalled, seconds(60)));
}

pub(crate) async fn a_repeated_end_raises_no_generation(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.observe(installation(1), gone(seconds(60))).await.unwrap();
    let before = found(repo, "acme").await.unwrap();
    repo.observe(installation(1), gone(seconds(70))).await.unwrap();
    assert_eq!(found(repo, "acme").await, Some(Binding { last_verified_at: seconds(70), ..before }));
}

pub(crate) async fn an_id_that_was_seen_only_as_gone_stays_gone(repo: &dyn BindingRepo) {
    repo.observe(installation(1), gone(NOON)).await.unwrap();
    repo.observe(installation(1), present(Status::Active, "acme-coffee", seconds(60))).await.unwrap();
    let mut new = new_binding("acme", 1, "state");
    new.last_verified_at = seconds(61);
    assert_eq!(repo.insert(new).await.unwrap(), Insertion::Gone);
    assert_eq!(repo.find(&organization("acme")).await.unwrap(), None);
}
