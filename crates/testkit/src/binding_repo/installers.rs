//! Who installed what.

use dockline::ports::BindingRepo;
use dockline::{AccountId, InstallationId, Status};
use time::OffsetDateTime;

use super::{
    NOON, account_id, bind, found, gone, installation, new_binding, observed, organization, present,
    record_of, seconds,
};

async fn note(repo: &dyn BindingRepo, number: u64, person: u64, at: OffsetDateTime) {
    repo.record_installer(installation(number), account_id(person), at).await.unwrap();
}

async fn installer(repo: &dyn BindingRepo, number: u64) -> Option<u64> {
    repo.installer(installation(number)).await.unwrap().map(AccountId::get)
}

/// Neither GitHub's answers nor a binding name anybody.
pub async fn nobody_is_the_installer_of_what_was_never_noted(repo: &dyn BindingRepo) {
    note(repo, 2, 77, NOON).await;
    observed(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
    bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(installer(repo, 1).await, None);
}

/// Also where nothing else is known of the installation: the delivery may come first (L-28).
pub async fn the_installer_that_was_noted_is_found(repo: &dyn BindingRepo) {
    note(repo, 1, 77, NOON).await;
    assert_eq!(installer(repo, 1).await, Some(77));
}

/// Nobody installs the same installation twice: whoever says so later, or of an earlier time, is a replay or wrong
/// (L-32).
pub async fn the_first_installer_stands(repo: &dyn BindingRepo) {
    note(repo, 1, 77, NOON).await;
    for (person, after) in [(77, 60), (78, 60), (79, 0), (80, -60)] {
        note(repo, 1, person, seconds(after)).await;
        assert_eq!(installer(repo, 1).await, Some(77));
    }
}

/// And one person may install many. All numbers of GitHub's fit (L-63).
pub async fn each_installation_has_an_installer_of_its_own(repo: &dyn BindingRepo) {
    let notes =
        [(1, 77), (2, 77), (3, 78), (3_000_000_000, 3_000_000_001), (InstallationId::MAX, AccountId::MAX)];
    for (number, person) in notes {
        note(repo, number, person, NOON).await;
    }
    for (number, person) in notes {
        assert_eq!(installer(repo, number).await, Some(person));
    }
}

/// It makes nothing known, and touches nothing that is (L-29).
pub async fn a_note_changes_nothing_else(repo: &dyn BindingRepo) {
    note(repo, 1, 77, seconds(60)).await;
    assert_eq!(record_of(repo, 1).await, None);
    let binding = bind(repo, new_binding("acme", 2, "state")).await;
    observed(repo, 3, gone(NOON)).await;
    let before = record_of(repo, 3).await;
    for number in [2, 3] {
        note(repo, number, 77, seconds(60)).await;
    }
    assert_eq!(found(repo, "acme").await, Some(binding));
    assert_eq!(record_of(repo, 3).await, before);
}

/// The note outlives all that happens to the installation.
pub async fn nothing_else_changes_the_installer(repo: &dyn BindingRepo) {
    note(repo, 1, 77, NOON).await;
    observed(repo, 1, present(Status::Active, "acme-coffee", seconds(1))).await;
    assert_eq!(installer(repo, 1).await, Some(77));
    bind(repo, new_binding("acme", 1, "state")).await;
    assert_eq!(installer(repo, 1).await, Some(77));
    repo.release(&organization("acme"), installation(1), seconds(60)).await.unwrap();
    assert_eq!(installer(repo, 1).await, Some(77));
    observed(repo, 1, gone(seconds(61))).await;
    assert_eq!(installer(repo, 1).await, Some(77));
}
