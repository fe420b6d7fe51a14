//! News that what an installation may reach was changed (L-41).

use dockline::ports::{BindingRepo, Observation, ObserveOutcome};
use dockline::{Binding, InstallationRecord, Status};

use super::{NOON, bind, found, gone, installation, new_binding, observed, present, record_of, seconds};

/// Tokens that were cached under other permissions are fenced, each time (L-41).
pub async fn a_change_of_what_it_may_reach_raises_the_generation(repo: &dyn BindingRepo) {
    let mut before = bind(repo, new_binding("acme", 1, "state")).await;
    for _ in 0..3 {
        assert_eq!(observed(repo, 1, Observation::PermissionsChanged).await, ObserveOutcome::Recorded);
        let after = found(repo, "acme").await.unwrap();
        assert!(after.generation > before.generation, "{} after {}", after.generation, before.generation);
        assert_eq!(after, Binding { generation: after.generation, ..before });
        before = after;
    }
}

/// A registration in flight may have looked before it (L-28).
pub async fn a_change_of_what_an_unbound_installation_may_reach_counts_too(repo: &dyn BindingRepo) {
    observed(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
    let before = record_of(repo, 1).await.unwrap();
    assert_eq!(observed(repo, 1, Observation::PermissionsChanged).await, ObserveOutcome::Recorded);
    assert!(record_of(repo, 1).await.unwrap().generation > before.generation);
    assert!(bind(repo, new_binding("acme", 1, "state")).await.generation > before.generation);
}

/// A suspended installation stays suspended, and GitHub was not asked (L-30).
pub async fn a_change_of_what_it_may_reach_says_nothing_else(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 1, "state")).await;
    observed(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
    let before = record_of(repo, 1).await.unwrap();
    observed(repo, 1, Observation::PermissionsChanged).await;
    let after = record_of(repo, 1).await.unwrap();
    assert_eq!(after, InstallationRecord { generation: after.generation, ..before });
}

/// There is nothing that it could change, and it says too little to be kept.
pub async fn a_change_of_what_an_unknown_installation_may_reach_is_outdated(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    assert_eq!(observed(repo, 1, Observation::PermissionsChanged).await, ObserveOutcome::Outdated);
    assert_eq!(record_of(repo, 1).await, None);
    assert_eq!(repo.find_by_installation(installation(1)).await.unwrap(), None);
}

/// Nothing changes any more, generation included (I7).
pub async fn a_change_of_what_an_uninstalled_installation_may_reach_is_gone(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    for number in [1, 2] {
        observed(repo, number, gone(seconds(60))).await;
        let before = record_of(repo, number).await;
        assert_eq!(observed(repo, number, Observation::PermissionsChanged).await, ObserveOutcome::Gone);
        assert_eq!(record_of(repo, number).await, before);
    }
}
