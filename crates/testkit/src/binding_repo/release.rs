//! A release ends exactly one binding and frees both sides.

use dockline::ports::{BindingRepo, InsertOutcome, ReleaseOutcome};

use super::{actor, bind, bound, deleted, find, installation, new_binding, observe, organization, seconds};
use crate::runner::cases;

async fn release(repo: &dyn BindingRepo, organization_id: &str, number: u64) -> ReleaseOutcome {
    repo.release(&organization(organization_id), installation(number), &actor(), seconds(60)).await.unwrap()
}

cases!(
    use __binding_repo_release as list;

    /// A release returns the binding before its end, and the binding is not found afterwards (L-59).
    pub async fn release_returns_the_binding(repo: &dyn BindingRepo) {
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::Released(binding));
        assert_eq!(find(repo, "acme").await, None);
        assert_eq!(bound(repo, 1).await, None);
    }

    /// After a release, the organization can bind the same or another installation with a fresh state (L-61).
    pub async fn released_organization_can_bind_again(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state 1")).await;
        release(repo, "acme", 1).await;
        bind(repo, new_binding("acme", 2, "state 2")).await;
        release(repo, "acme", 2).await;
        let third = bind(repo, new_binding("acme", 1, "state 3")).await;
        assert_eq!(find(repo, "acme").await, Some(third));
    }

    /// After a release, another organization can bind the installation (L-61).
    pub async fn released_installation_can_be_bound_by_another_organization(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        release(repo, "acme", 1).await;
        let binding = bind(repo, new_binding("other", 1, "state")).await;
        assert_eq!(bound(repo, 1).await, Some(binding));
        assert_eq!(find(repo, "acme").await, None);
    }

    /// A release raises the generation, so that a token cached for the released binding is not served for the next (I9,
    /// L-59).
    pub async fn release_raises_the_generation(repo: &dyn BindingRepo) {
        let first = bind(repo, new_binding("acme", 1, "state 1")).await;
        release(repo, "acme", 1).await;
        let second = bind(repo, new_binding("acme", 1, "state 2")).await;
        assert!(second.generation > first.generation);
    }

    /// A repeated release is `NothingBound`.
    pub async fn repeated_release_finds_nothing(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        release(repo, "acme", 1).await;
        assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::NothingBound);
    }

    /// A release without a binding is `NothingBound`, also if the installation is known as uninstalled.
    pub async fn release_without_binding_finds_nothing(repo: &dyn BindingRepo) {
        assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::NothingBound);
        observe(repo, 1, deleted(seconds(1))).await;
        assert_eq!(release(repo, "acme", 1).await, ReleaseOutcome::NothingBound);
    }

    /// A release of another installation than the bound one changes nothing (L-31).
    pub async fn release_of_another_installation_changes_nothing(repo: &dyn BindingRepo) {
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        assert_eq!(release(repo, "acme", 2).await, ReleaseOutcome::NothingBound);
        assert_eq!(find(repo, "acme").await, Some(binding));
    }

    /// An organization cannot release another's binding (I10).
    pub async fn release_by_another_organization_changes_nothing(repo: &dyn BindingRepo) {
        let binding = bind(repo, new_binding("acme", 1, "state")).await;
        bind(repo, new_binding("other", 2, "state")).await;
        assert_eq!(release(repo, "other", 1).await, ReleaseOutcome::NothingBound);
        assert_eq!(find(repo, "acme").await, Some(binding));
    }

    /// `uninstalled` outlives the release, for every organization (I7).
    pub async fn released_installation_stays_uninstalled(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state 1")).await;
        observe(repo, 1, deleted(seconds(30))).await;
        release(repo, "acme", 1).await;
        for name in ["acme", "other"] {
            assert_eq!(repo.insert(new_binding(name, 1, "state 2")).await.unwrap(), InsertOutcome::Gone);
        }
    }
);
