//! What GitHub was not asked about for a while.

use dockline::ports::{BindingRepo, Observation, ObserveOutcome, ReconcileCursor};
use dockline::{InstallationId, NewBinding, Status};
use time::Duration;

use super::{bind, gone, installation, new_binding, observed, organization, present, seconds};

/// Binds an installation of that number to an organization of its own, as GitHub told so many seconds after noon.
async fn bind_at(repo: &dyn BindingRepo, number: u64, verified: i64) {
    let new = new_binding(&format!("org_{number}"), number, "state");
    bind(repo, NewBinding { last_verified_at: seconds(verified), ..new }).await;
}

const fn place(number: InstallationId, verified_at: time::OffsetDateTime) -> ReconcileCursor {
    ReconcileCursor { verified_at, installation: number }
}

/// The numbers of a page.
async fn due(repo: &dyn BindingRepo, before: i64, after: Option<ReconcileCursor>, limit: u32) -> Vec<u64> {
    let page = repo.stale(seconds(before), after, limit).await.unwrap();
    page.into_iter().map(|due| due.installation.get()).collect()
}

async fn all_due(repo: &dyn BindingRepo, before: i64) -> Vec<u64> {
    due(repo, before, None, u32::MAX).await
}

/// The time is the last answer's, and as it is kept (I7).
pub async fn what_github_answered_about_before_is_due_and_at_that_time_is_not(repo: &dyn BindingRepo) {
    assert_eq!(all_due(repo, 60).await, [0; 0]);
    bind_at(repo, 1, 10).await;
    let microsecond = Duration::microseconds(1);
    let at = async |before| repo.stale(before, None, 10).await.unwrap();
    assert_eq!(at(seconds(10) - microsecond).await, []);
    assert_eq!(at(seconds(10)).await, []);
    assert_eq!(at(seconds(10) + microsecond).await, [place(installation(1), seconds(10))]);
}

/// Numbers, not their digits.
pub async fn the_longest_unverified_comes_first_and_the_lowest_number_among_equals(repo: &dyn BindingRepo) {
    let large = InstallationId::MAX;
    for (number, verified) in
        [(100, 20), (9, 20), (3_000_000_000, 10), (7, 30), (10, 20), (large, 20), (8, 5)]
    {
        bind_at(repo, number, verified).await;
    }
    assert_eq!(all_due(repo, 60).await, [8, 3_000_000_000, 9, 10, 100, large, 7]);
    assert_eq!(all_due(repo, 20).await, [8, 3_000_000_000]);
}

/// What nobody has, or has no more, is nobody's concern.
pub async fn only_what_is_bound_is_due(repo: &dyn BindingRepo) {
    observed(repo, 1, present(Status::Active, "acme-coffee", seconds(0))).await;
    for number in [2, 3, 4] {
        bind_at(repo, number, 0).await;
    }
    repo.release(&organization("org_2"), installation(2), seconds(1)).await.unwrap();
    repo.release(&organization("org_3"), installation(3), seconds(1)).await.unwrap();
    assert_eq!(all_due(repo, 60).await, [4]);
    bind(repo, new_binding("other", 3, "state")).await;
    assert_eq!(all_due(repo, 60).await, [3, 4]);
}

/// Nothing more can be learned of the former, and of the latter everything (I7, L-35).
pub async fn an_uninstalled_installation_is_not_due_and_a_suspended_one_is(repo: &dyn BindingRepo) {
    for number in [1, 2, 3] {
        bind_at(repo, number, 0).await;
    }
    observed(repo, 1, present(Status::Suspended, "acme-coffee", seconds(1))).await;
    observed(repo, 2, gone(seconds(1))).await;
    assert_eq!(all_due(repo, 60).await, [3, 1]);
}

/// Whoever verified it, and whether anything was new.
pub async fn what_was_verified_meanwhile_is_not_due(repo: &dyn BindingRepo) {
    for number in [1, 2] {
        bind_at(repo, number, 0).await;
    }
    observed(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
    assert_eq!(all_due(repo, 60).await, [2]);
    assert_eq!(all_due(repo, 61).await, [2, 1]);
}

/// GitHub said nothing about the status, or had said so before (L-30).
pub async fn what_did_not_count_as_an_answer_leaves_it_due(repo: &dyn BindingRepo) {
    bind_at(repo, 1, 30).await;
    observed(repo, 1, Observation::PermissionsChanged).await;
    let older = observed(repo, 1, present(Status::Active, "acme-coffee", seconds(20))).await;
    assert_eq!(older, ObserveOutcome::Outdated);
    let page = repo.stale(seconds(60), None, 10).await.unwrap();
    assert_eq!(page, [place(installation(1), seconds(30))]);
}

/// A run is bounded.
pub async fn a_page_has_no_more_than_its_limit(repo: &dyn BindingRepo) {
    for number in 1..=5 {
        bind_at(repo, number, number.cast_signed()).await;
    }
    for (limit, numbers) in [(0, 0..=0), (1, 1..=1), (3, 1..=3), (5, 1..=5), (6, 1..=5), (u32::MAX, 1..=5)] {
        let expected: Vec<_> = numbers.filter(|number| *number > 0).collect();
        assert_eq!(due(repo, 60, None, limit).await, expected);
    }
    let cursor = Some(place(installation(2), seconds(2)));
    assert_eq!(due(repo, 60, cursor, 0).await, [0; 0]);
    assert_eq!(due(repo, 60, cursor, 2).await, [3, 4]);
}

/// None is told twice, and none is left out, where many were verified at one moment.
pub async fn pages_follow_on_one_another_also_among_equals(repo: &dyn BindingRepo) {
    let all = [(1, 5), (2, 5), (3, 5), (9, 5), (10, 5), (4, 6), (5, 6), (100, 6)];
    for (number, verified) in all.into_iter().rev() {
        bind_at(repo, number, verified).await;
    }
    for limit in [1, 2, 3, 8] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = repo.stale(seconds(60), after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(*last);
            seen.extend(page);
        }
        assert_eq!(seen, all.map(|(number, verified)| place(installation(number), seconds(verified))));
    }
}

/// A cursor is a place in the order, not a row.
pub async fn a_page_follows_on_what_is_not_there_any_more(repo: &dyn BindingRepo) {
    for number in [1, 2, 3, 4] {
        bind_at(repo, number, 5).await;
    }
    let cursor = Some(place(installation(2), seconds(5)));
    repo.release(&organization("org_2"), installation(2), seconds(60)).await.unwrap();
    assert_eq!(due(repo, 60, cursor, 10).await, [3, 4]);
    let never_there = Some(place(installation(1_000), seconds(4)));
    assert_eq!(due(repo, 60, never_there, 10).await, [1, 3, 4]);
    let beyond = Some(place(installation(1), seconds(6)));
    assert_eq!(due(repo, 60, beyond, 10).await, [0; 0]);
}

/// The sweep's own answers do not lead it astray (L-35).
pub async fn a_sweep_that_verifies_what_it_sees_comes_to_each_once(repo: &dyn BindingRepo) {
    for number in 1..=7 {
        bind_at(repo, number, number.cast_signed() % 3).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = repo.stale(seconds(60), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for due in page {
            let number = due.installation.get();
            observed(repo, number, present(Status::Active, "acme-coffee", seconds(60))).await;
            seen.push(number);
        }
    }
    assert_eq!(seen, [3, 6, 1, 4, 7, 2, 5]);
    assert_eq!(all_due(repo, 60).await, [0; 0]);
}
