//! What is kept of an installation, bound or not.

use dockline::ports::{BindingRepo, InsertOutcome, Observation};
use dockline::{Binding, InstallationId, InstallationRecord, NewBinding, Status};
use time::Duration;

use super::{
    NOON, account, account_id, bind, gone, installation, new_binding, observed, organization, present,
    record_of, seconds,
};

/// What is kept of a bound installation is what its binding says of it.
fn of_binding(binding: Binding) -> InstallationRecord {
    InstallationRecord {
        organization: Some(binding.organization),
        account: Some(binding.account),
        status: binding.status,
        verified_at: binding.last_verified_at,
        generation: binding.generation,
    }
}

/// Asking tells nothing, nor does news of another installation, of its permissions or of its installer.
pub async fn nothing_is_known_of_an_installation_that_nobody_told_of(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    observed(repo, 3, gone(NOON)).await;
    for _ in 0..2 {
        assert_eq!(record_of(repo, 1).await, None);
        observed(repo, 1, Observation::PermissionsChanged).await;
        repo.record_installer(installation(1), account_id(77), NOON).await.unwrap();
    }
}

/// Facts are kept by installation id, whoever asks later (L-28). All numbers of GitHub's fit (L-63).
pub async fn an_unbound_installation_is_known_by_what_github_said(repo: &dyn BindingRepo) {
    for (number, status) in
        [(1, Status::Active), (3_000_000_000, Status::Suspended), (InstallationId::MAX, Status::Active)]
    {
        let mut on = account("acme-coffee");
        on.id = account_id(number);
        let news = Observation::Present { status, account: on.clone(), verified_at: NOON };
        observed(repo, number, news).await;
        let facts = record_of(repo, number).await.unwrap();
        let expected = InstallationRecord {
            organization: None,
            account: Some(on),
            status,
            verified_at: NOON,
            generation: 1,
        };
        assert_eq!(facts, expected);
    }
}

/// One row, seen from two sides, also after news.
pub async fn a_bound_installation_is_known_with_its_organization(repo: &dyn BindingRepo) {
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    bind(repo, new_binding("other", 2, "state")).await;
    assert_eq!(record_of(repo, 1).await, Some(of_binding(binding)));
    observed(repo, 1, present(Status::Suspended, "renamed", seconds(60))).await;
    let binding = repo.find_by_installation(installation(1)).await.unwrap().unwrap();
    assert_eq!(record_of(repo, 1).await, Some(of_binding(binding)));
}

/// The facts outlive the binding; whose it was is history (I10, L-28).
pub async fn a_released_installation_is_known_without_an_organization(repo: &dyn BindingRepo) {
    let binding = bind(repo, new_binding("acme", 1, "state")).await;
    repo.release(&organization("acme"), installation(1), seconds(60)).await.unwrap();
    let facts = record_of(repo, 1).await.unwrap();
    assert!(facts.generation > binding.generation);
    let expected =
        InstallationRecord { organization: None, generation: facts.generation, ..of_binding(binding) };
    assert_eq!(facts, expected);
}

/// It has the time of that end, or of the latest where there were several: times do not go back (I7).
pub async fn an_installation_that_was_seen_only_as_gone_is_known_without_an_account(repo: &dyn BindingRepo) {
    for (said, verified_at) in [(60, 60), (30, 60), (90, 90)] {
        observed(repo, 1, gone(seconds(said))).await;
        let expected = InstallationRecord {
            organization: None,
            account: None,
            status: Status::Uninstalled,
            verified_at: seconds(verified_at),
            generation: 1,
        };
        assert_eq!(record_of(repo, 1).await, Some(expected));
    }
}

/// Who it was, is still to be told (L-35).
pub async fn an_uninstalled_installation_keeps_its_account_and_its_organization(repo: &dyn BindingRepo) {
    observed(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
    bind(repo, new_binding("acme", 2, "state")).await;
    for (number, holder) in [(1, None), (2, Some(organization("acme")))] {
        observed(repo, number, gone(seconds(60))).await;
        let facts = record_of(repo, number).await.unwrap();
        let expected = InstallationRecord {
            organization: holder,
            account: Some(account("acme-coffee")),
            status: Status::Uninstalled,
            verified_at: seconds(60),
            generation: facts.generation,
        };
        assert_eq!(facts, expected);
    }
}

/// Nanoseconds are cut, not rounded, however the news came.
pub async fn what_is_known_is_kept_to_the_microsecond(repo: &dyn BindingRepo) {
    let said = NOON + Duration::nanoseconds(1_999);
    observed(repo, 1, present(Status::Active, "acme-coffee", said)).await;
    observed(repo, 2, gone(said)).await;
    for number in [1, 2] {
        let facts = record_of(repo, number).await.unwrap();
        assert_eq!(facts.verified_at, NOON + Duration::microseconds(1));
    }
}

/// Not even that there is such an installation (L-10).
pub async fn a_refused_insert_makes_nothing_known(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    assert!(matches!(repo.insert(new_binding("acme", 1, "s")).await.unwrap(), InsertOutcome::Occupied(_)));
    assert_eq!(record_of(repo, 1).await, None);
    repo.release(&organization("acme"), installation(2), seconds(60)).await.unwrap();
    assert_eq!(repo.insert(new_binding("acme", 1, "state")).await.unwrap(), InsertOutcome::Spent);
    assert_eq!(record_of(repo, 1).await, None);
    let dead = NewBinding { status: Status::Uninstalled, ..new_binding("acme", 1, "fresh") };
    assert_eq!(repo.insert(dead).await.unwrap(), InsertOutcome::Gone);
    assert_eq!(record_of(repo, 1).await, None);
}
