use dockline::ports::{BindingRepo, Insertion};
use dockline::{Binding, NewBinding, Status};

use crate::fixtures::{
    NOON, account, bind, found, gone, installation, new_binding, organization, present, seconds,
};

// L-64
pub(crate) async fn the_answer_is_the_row_as_stored(repo: &dyn BindingRepo) {
    let new = new_binding("acme", 1, "state");
    let binding = bind(repo, new.clone()).await;
    let expected = Binding {
        organization: new.organization,
        installation: new.installation,
        account: new.account,
        status: new.status,
        proof: new.proof,
        proven_by: new.proven_by,
        registered_at: new.registered_at,
        last_verified_at: new.last_verified_at,
        generation: binding.generation,
    };
    assert_eq!(binding, expected);
    assert_eq!(found(repo, "acme").await, Some(expected));
}

// I4
pub(crate) async fn a_repeated_insert_answers_the_first_row(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    let again = NewBinding { registered_at: seconds(60), ..new_binding("acme", 1, "another state") };
    assert_eq!(repo.insert(again).await.unwrap(), Insertion::Occupied(first));
}

// I5, L-51
pub(crate) async fn an_organization_that_is_bound_to_another_installation_is_occupied(
    repo: &dyn BindingRepo,
) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    let second = repo.insert(new_binding("acme", 2, "another state")).await.unwrap();
    assert_eq!(second, Insertion::Occupied(first.clone()));
    assert_eq!(found(repo, "acme").await, Some(first));
    assert_eq!(repo.find_by_installation(installation(2)).await.unwrap(), None);
}

// L-06: the binding stays where it is.
pub(crate) async fn an_installation_of_another_organization_is_taken(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(repo.insert(new_binding("other", 1, "another state")).await.unwrap(), Insertion::Taken);
    assert_eq!(found(repo, "other").await, None);
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), Some(first));
}

// I7
pub(crate) async fn an_uninstalled_installation_is_gone(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Active, "acme-coffee", NOON)).await.unwrap();
    repo.observe(installation(1), gone(seconds(1))).await.unwrap();
    let mut new = new_binding("acme", 1, "state");
    new.last_verified_at = seconds(5);
    assert_eq!(repo.insert(new).await.unwrap(), Insertion::Gone);
    assert_eq!(found(repo, "acme").await, None);
}

// L-28: the news may be here before anybody bound the id.
pub(crate) async fn an_installation_that_was_uninstalled_before_anybody_bound_it_is_gone(
    repo: &dyn BindingRepo,
) {
    repo.observe(installation(1), gone(NOON)).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 1, "state")).await.unwrap(), Insertion::Gone);
    assert_eq!(found(repo, "acme").await, None);
}

// I3
pub(crate) async fn a_state_that_was_spent_on_a_released_binding_is_spent(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    repo.release(&organization("acme"), installation(1), seconds(60)).await.unwrap();
    for number in [1, 2] {
        assert_eq!(repo.insert(new_binding("acme", number, "state")).await.unwrap(), Insertion::Spent);
    }
    assert_eq!(found(repo, "acme").await, None);
}

pub(crate) async fn a_state_of_another_organization_is_not_spent(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    bind(repo, new_binding("other", 2, "state")).await;
}

pub(crate) async fn occupied_comes_before_taken_gone_and_spent(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state")).await;
    bind(repo, new_binding("other", 2, "state")).await;
    repo.observe(installation(2), gone(seconds(60))).await.unwrap();
    let answer = repo.insert(new_binding("acme", 2, "state")).await.unwrap();
    assert_eq!(answer, Insertion::Occupied(first));
}

pub(crate) async fn taken_comes_before_gone_and_spent(repo: &dyn BindingRepo) {
    spend(repo, "state").await;
    bind(repo, new_binding("other", 2, "state")).await;
    repo.observe(installation(2), gone(seconds(60))).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 2, "state")).await.unwrap(), Insertion::Taken);
}

pub(crate) async fn gone_comes_before_spent(repo: &dyn BindingRepo) {
    spend(repo, "state").await;
    repo.observe(installation(2), gone(seconds(60))).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 2, "state")).await.unwrap(), Insertion::Gone);
}

pub(crate) async fn a_refused_insert_changes_nothing(repo: &dyn BindingRepo) {
    spend(repo, "spent").await;
    let held = bind(repo, new_binding("other", 2, "state")).await;
    let news = |organization_name: &str, number, state_name: &str| NewBinding {
        account: account("renamed"),
        status: Status::Suspended,
        last_verified_at: seconds(60),
        registered_at: seconds(60),
        ..new_binding(organization_name, number, state_name)
    };
    let occupied = repo.insert(news("other", 2, "state 2")).await.unwrap();
    assert_eq!(occupied, Insertion::Occupied(held.clone()));
    assert_eq!(repo.insert(news("acme", 2, "state 3")).await.unwrap(), Insertion::Taken);
    assert_eq!(repo.insert(news("acme", 1, "spent")).await.unwrap(), Insertion::Spent);
    assert_eq!(found(repo, "other").await, Some(held));
    // What the refused insert said about the free installation was not kept, either.
    let bound = bind(repo, new_binding("acme", 1, "state 4")).await;
    assert_eq!((bound.status, bound.last_verified_at), (Status::Active, NOON));
}

// I6
pub(crate) async fn a_refused_insert_does_not_spend_its_state(repo: &dyn BindingRepo) {
    bind(repo, new_binding("other", 1, "state")).await;
    assert_eq!(repo.insert(new_binding("acme", 1, "mine")).await.unwrap(), Insertion::Taken);
    bind(repo, new_binding("acme", 2, "mine")).await;
}

pub(crate) async fn newer_facts_of_an_insert_count(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Active, "old-name", NOON)).await.unwrap();
    let binding = bind(
        repo,
        NewBinding {
            account: account("new-name"),
            status: Status::Suspended,
            last_verified_at: seconds(1),
            ..new_binding("acme", 1, "state")
        },
    )
    .await;
    assert_eq!(binding.account, account("new-name"));
    assert_eq!(binding.status, Status::Suspended);
    assert_eq!(binding.last_verified_at, seconds(1));
}

// L-30: a registration in flight does not undo what was learned meanwhile.
pub(crate) async fn older_facts_of_an_insert_do_not(repo: &dyn BindingRepo) {
    repo.observe(installation(1), present(Status::Suspended, "new-name", seconds(1))).await.unwrap();
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(binding.account, account("new-name"));
    assert_eq!(binding.status, Status::Suspended);
    assert_eq!(binding.last_verified_at, seconds(1));
    assert_eq!(binding.registered_at, seconds(2));
}

/// Leaves acme with nothing but a spent state.
async fn spend(repo: &dyn BindingRepo, state_name: &str) {
    bind(repo, new_binding("acme", 1, state_name)).await;
    repo.release(&organization("acme"), installation(1), seconds(30)).await.unwrap();
}
