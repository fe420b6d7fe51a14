//! The end of a binding.

use dockline::ports::{BindingRepo, InsertOutcome, ReleaseOutcome};

use super::{bind, found, gone, installation, new_binding, organization, seconds};

async fn release(repo: &dyn BindingRepo, name: &str, number: u64) -> ReleaseOutcome {
    repo.release(&organization(name), installation(number), seconds(60)).await.unwrap()
}

/// The answer holds the row before its end, which is then found by nobody (L-59).
pub async fn a_release_answers_the_binding_as_it_stood(repo: &dyn BindingRepo) {
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::Released(binding));
    assert_eq!(found(repo, "acme").await, None);
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), None);
}

/// A detach is not for ever: the same or another installation, with a fresh state (L-61).
pub async fn a_released_organization_can_bind_again(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state 1")).await;
    release(repo, "acme", 1).await;
    bind(repo, new_binding("acme", 2, "state 2")).await;
    release(repo, "acme", 2).await;
    let third = bind(repo, new_binding("acme", 1, "state 3")).await;
    assert_eq!(found(repo, "acme").await, Some(third));
}

/// What was released is free (L-61).
pub async fn a_released_installation_can_be_bound_by_another_organization(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    release(repo, "acme", 1).await;
    let binding = bind(repo, new_binding("other", 1, "state")).await;
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), Some(binding));
    assert_eq!(found(repo, "acme").await, None);
}

/// A token that was cached under the released binding is fenced by the next one's generation (I9, L-59).
pub async fn a_release_raises_the_generation(repo: &dyn BindingRepo) {
    let first = bind(repo, new_binding("acme", 1, "state 1")).await;
    release(repo, "acme", 1).await;
    let second = bind(repo, new_binding("acme", 1, "state 2")).await;
    assert!(second.generation > first.generation);
}

/// A repeated call is harmless.
pub async fn a_repeated_release_finds_nothing_bound(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    release(repo, "acme", 1).await;
    assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::NothingBound);
}

/// Releasing what never was, or is only known as gone, changes nothing.
pub async fn an_organization_without_a_binding_has_nothing_to_release(repo: &dyn BindingRepo) {
    assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::NothingBound);
    repo.observe(installation(1), gone(seconds(1))).await.unwrap();
    assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::NothingBound);
}

/// A release is for exactly the pair that it names (L-31).
pub async fn another_installation_than_the_bound_one_is_not_released(repo: &dyn BindingRepo) {
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(release(repo, "acme", 2).await, ReleaseOutcome::NothingBound);
    assert_eq!(found(repo, "acme").await, Some(binding));
}

/// Nobody releases another's binding (I10).
pub async fn another_organization_releases_nothing(repo: &dyn BindingRepo) {
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    bind(repo, new_binding("other", 2, "state")).await;
    assert_eq!(release(repo, "other", 1).await, ReleaseOutcome::NothingBound);
    assert_eq!(found(repo, "acme").await, Some(binding));
}

/// `uninstalled` outlives the binding, for everybody (I7).
pub async fn a_release_does_not_bring_an_uninstalled_installation_back(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state 1")).await;
    repo.observe(installation(1), gone(seconds(30))).await.unwrap();
    release(repo, "acme", 1).await;
    for name in ["acme", "other"] {
        assert_eq!(repo.insert(new_binding(name, 1, "state 2")).await.unwrap(), InsertOutcome::Gone);
    }
}
