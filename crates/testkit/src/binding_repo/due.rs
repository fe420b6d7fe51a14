//! `due` lists the bound installations to look at, page by page; `postpone` puts one forward.

use dockline::ports::{BindingRepo, Observation, ObserveOutcome, ReconcileCursor, ReconcileScope};
use dockline::{InstallationId, NewBinding, Status};
use time::{Duration, OffsetDateTime};

use super::{
    INTERVAL, account, actor, bind, deleted, find, installation, missing, new_binding, observe, organization,
    record_of, seconds,
};
use crate::runner::cases;

/// Binds the installation to an organization of its own, looked at and due that many seconds after noon.
async fn bind_at(repo: &dyn BindingRepo, number: u64, due: i64) {
    let new = new_binding(&format!("org_{number}"), number, "state");
    bind(repo, NewBinding { last_verified_at: seconds(due), next_look_at: seconds(due), ..new }).await;
}

/// An observation after which the next look is due at once.
fn present(status: Status, login: &str, asked_at: OffsetDateTime) -> Observation {
    Observation::Present { status, account: account(login), asked_at, next_look_at: asked_at }
}

fn cursor(number: u64, due: i64) -> ReconcileCursor {
    ReconcileCursor { next_look_at: seconds(due), installation: installation(number) }
}

/// The numbers of a page.
async fn page(repo: &dyn BindingRepo, before: i64, after: Option<ReconcileCursor>, limit: u32) -> Vec<u64> {
    let page = repo.due(ReconcileScope::Due(seconds(before)), after, limit).await.unwrap();
    page.into_iter().map(|due| due.installation.get()).collect()
}

async fn all(repo: &dyn BindingRepo, before: i64) -> Vec<u64> {
    page(repo, before, None, u32::MAX).await
}

cases!(
    use __binding_repo_due as list;

    /// An installation is due if its next look is before the given time, and not if it is at that time (I7).
    pub async fn due_means_before_the_given_time(repo: &dyn BindingRepo) {
        assert_eq!(all(repo, 60).await, [0; 0]);
        bind_at(repo, 1, 10).await;
        let microsecond = Duration::microseconds(1);
        let at = async |before| repo.due(ReconcileScope::Due(before), None, 10).await.unwrap();
        assert_eq!(at(seconds(10) - microsecond).await, []);
        assert_eq!(at(seconds(10)).await, []);
        assert_eq!(at(seconds(10) + microsecond).await, [cursor(1, 10)]);
    }

    /// The order is by time, then by number as a number, not as text.
    pub async fn order_is_by_time_then_number(repo: &dyn BindingRepo) {
        let large = InstallationId::MAX;
        for (number, due) in [(100, 20), (9, 20), (3_000_000_000, 10), (7, 30), (10, 20), (large, 20), (8, 5)]
        {
            bind_at(repo, number, due).await;
        }
        assert_eq!(all(repo, 60).await, [8, 3_000_000_000, 9, 10, 100, large, 7]);
        assert_eq!(all(repo, 20).await, [8, 3_000_000_000]);
    }

    /// Only installations with a live binding are due.
    pub async fn only_bound_installations_are_due(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(0))).await;
        for number in [2, 3, 4] {
            bind_at(repo, number, 0).await;
        }
        repo.release(&organization("org_2"), installation(2), &actor(), seconds(1)).await.unwrap();
        repo.release(&organization("org_3"), installation(3), &actor(), seconds(1)).await.unwrap();
        assert_eq!(all(repo, 60).await, [4]);
        let again = new_binding("other", 3, "state");
        bind(repo, NewBinding { next_look_at: seconds(0), ..again }).await;
        assert_eq!(all(repo, 60).await, [3, 4]);
    }

    /// A suspended installation can be due, a deleted one cannot (I7, L-35).
    pub async fn suspended_is_due_and_deleted_is_not(repo: &dyn BindingRepo) {
        for number in [1, 2, 3] {
            bind_at(repo, number, 0).await;
        }
        observe(repo, 1, present(Status::Suspended, "acme-coffee", seconds(1))).await;
        observe(repo, 2, deleted(seconds(1))).await;
        assert_eq!(all(repo, 60).await, [3, 1]);
    }

    /// An observation moves the next look, also without a change.
    pub async fn observed_installation_is_not_due(repo: &dyn BindingRepo) {
        for number in [1, 2] {
            bind_at(repo, number, 0).await;
        }
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
        assert_eq!(all(repo, 60).await, [2]);
        assert_eq!(all(repo, 61).await, [2, 1]);
    }

    /// Changed permissions and outdated observations do not move the next look (L-30).
    pub async fn observation_that_does_not_count_leaves_it_due(repo: &dyn BindingRepo) {
        bind_at(repo, 1, 30).await;
        observe(repo, 1, Observation::PermissionsChanged { at: seconds(0) }).await;
        let older = observe(repo, 1, present(Status::Active, "acme-coffee", seconds(20))).await;
        assert_eq!(older, ObserveOutcome::Outdated);
        assert_eq!(repo.due(ReconcileScope::Due(seconds(60)), None, 10).await.unwrap(), [cursor(1, 30)]);
    }

    /// A page has at most `limit` entries, which follow the cursor.
    pub async fn page_has_at_most_its_limit(repo: &dyn BindingRepo) {
        for number in 1..=5 {
            bind_at(repo, number, number.cast_signed()).await;
        }
        for (limit, numbers) in
            [(0, 0..=0), (1, 1..=1), (3, 1..=3), (5, 1..=5), (6, 1..=5), (u32::MAX, 1..=5)]
        {
            let expected: Vec<_> = numbers.filter(|number| *number > 0).collect();
            assert_eq!(page(repo, 60, None, limit).await, expected);
        }
        let after = Some(cursor(2, 2));
        assert_eq!(page(repo, 60, after, 0).await, [0; 0]);
        assert_eq!(page(repo, 60, after, 2).await, [3, 4]);
    }

    /// Pages repeat and omit nothing, also if many entries have the same time.
    pub async fn pages_cover_every_entry_once(repo: &dyn BindingRepo) {
        let entries = [(1, 5), (2, 5), (3, 5), (9, 5), (10, 5), (4, 6), (5, 6), (100, 6)];
        for (number, due) in entries.into_iter().rev() {
            bind_at(repo, number, due).await;
        }
        for limit in [1, 2, 3, 8] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = repo.due(ReconcileScope::Due(seconds(60)), after, limit).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(*last);
                seen.extend(page);
            }
            assert_eq!(seen, entries.map(|(number, due)| cursor(number, due)));
        }
    }

    /// A cursor is a position in the order: its entry may have been released or may never have existed.
    pub async fn cursor_does_not_need_its_entry(repo: &dyn BindingRepo) {
        for number in [1, 2, 3, 4] {
            bind_at(repo, number, 5).await;
        }
        repo.release(&organization("org_2"), installation(2), &actor(), seconds(60)).await.unwrap();
        assert_eq!(page(repo, 60, Some(cursor(2, 5)), 10).await, [3, 4]);
        assert_eq!(page(repo, 60, Some(cursor(1_000, 4)), 10).await, [1, 3, 4]);
        assert_eq!(page(repo, 60, Some(cursor(1, 6)), 10).await, [0; 0]);
    }

    /// A run that observes the entries of each page sees every entry once (L-35).
    pub async fn observing_each_page_visits_every_entry_once(repo: &dyn BindingRepo) {
        for number in 1..=7 {
            bind_at(repo, number, number.cast_signed() % 3).await;
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = repo.due(ReconcileScope::Due(seconds(60)), after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(*last);
            for due in page {
                let number = due.installation.get();
                observe(repo, number, present(Status::Active, "acme-coffee", seconds(60))).await;
                seen.push(number);
            }
        }
        assert_eq!(seen, [3, 6, 1, 4, 7, 2, 5]);
        assert_eq!(all(repo, 60).await, [0; 0]);
    }

    /// A missing installation is due at its own time, an absent one a day after its last look (I23).
    pub async fn missing_installation_is_due_at_its_own_time(repo: &dyn BindingRepo) {
        bind_at(repo, 1, 0).await;
        observe(repo, 1, missing(seconds(0))).await;
        assert_eq!(all(repo, 60).await, [0; 0]);
        assert_eq!(all(repo, 61).await, [1]);
        observe(repo, 1, missing(seconds(3_600))).await;
        let day = 24 * 3_600;
        assert_eq!(all(repo, 3_600 + day).await, [0; 0]);
        assert_eq!(all(repo, 3_600 + day + 1).await, [1]);
    }

    /// A look that a clock ahead of others dated in the future does not keep its installation from being looked at: it is
    /// due, after those whose next look has come, until the clocks reach its time (I27).
    pub async fn look_in_the_future_is_due(repo: &dyn BindingRepo) {
        for (number, due) in [(1, 0), (2, 10), (3, 3_600)] {
            bind_at(repo, number, due).await;
        }
        let year = 365 * 24 * 3_600;
        bind_at(repo, 4, year).await;
        // Within the tolerance.
        bind_at(repo, 5, 120).await;
        assert_eq!(all(repo, 60).await, [1, 2, 3, 4]);
        assert_eq!(page(repo, 60, None, 3).await, [1, 2, 3]);
        assert_eq!(page(repo, 60, Some(cursor(2, 10)), 9).await, [3, 4]);
        assert_eq!(page(repo, 60, Some(cursor(3, 3_600)), 9).await, [4]);
        assert_eq!(all(repo, 3_700).await, [1, 2, 5, 3, 4]);
        assert_eq!(all(repo, year + 1).await, [1, 2, 5, 3, 4]);
    }

    /// Postponing moves the next look of one installation forward, never back, and changes nothing else (I32).
    pub async fn postponing_moves_only_the_next_look(repo: &dyn BindingRepo) {
        for number in [1, 2] {
            bind_at(repo, number, 10).await;
        }
        let before = find(repo, "org_1").await.unwrap();
        for (to, due) in [(30, 30), (20, 30), (40, 40)] {
            repo.postpone(installation(1), seconds(to) + Duration::nanoseconds(1)).await.unwrap();
            let mut expected = before.clone();
            expected.life.next_look_at = Some(seconds(due));
            assert_eq!(find(repo, "org_1").await, Some(expected));
        }
        assert_eq!(
            repo.due(ReconcileScope::Due(seconds(60)), None, 9).await.unwrap(),
            [cursor(2, 10), cursor(1, 40)]
        );
    }

    /// Postponing an unknown installation stores nothing, and a deleted one gets no next look.
    pub async fn postponing_makes_no_next_look(repo: &dyn BindingRepo) {
        bind_at(repo, 2, 10).await;
        observe(repo, 2, deleted(seconds(20))).await;
        let before = record_of(repo, 2).await;
        for number in [1, 2] {
            repo.postpone(installation(number), seconds(30)).await.unwrap();
        }
        assert_eq!((record_of(repo, 1).await, record_of(repo, 2).await), (None, before));
    }

    /// By the time of the last look, installations are listed in the order of their numbers, whatever the next look.
    /// Deleted ones are left out, absent ones are not.
    pub async fn observed_before_lists_by_number(repo: &dyn BindingRepo) {
        for (number, due) in [(10, 5), (9, 7), (1, 30), (2, 0), (3, 0), (4, 0)] {
            bind_at(repo, number, due).await;
        }
        repo.postpone(installation(9), seconds(500)).await.unwrap();
        observe(repo, 2, deleted(seconds(1))).await;
        for at in [-4_000, 1] {
            observe(repo, 3, missing(seconds(at))).await;
        }
        repo.release(&organization("org_4"), installation(4), &actor(), seconds(1)).await.unwrap();
        let page = async |before, after: Option<ReconcileCursor>, limit| {
            let scope = ReconcileScope::ObservedBefore(seconds(before));
            let page = repo.due(scope, after, limit).await.unwrap();
            page.into_iter().map(|due| due.installation.get()).collect::<Vec<_>>()
        };
        assert_eq!(page(30, None, 9).await, [3, 9, 10]);
        assert_eq!(page(31, None, 9).await, [1, 3, 9, 10]);
        assert_eq!(page(31, None, 2).await, [1, 3]);
        // The cursor's time is ignored.
        assert_eq!(page(31, Some(cursor(3, 1_000)), 2).await, [9, 10]);
        assert_eq!(page(31, Some(cursor(10, 0)), 2).await, [0; 0]);
    }

    /// An installation that was just looked at is due after the interval of its observation.
    pub async fn interval_of_an_observation_is_stored(repo: &dyn BindingRepo) {
        bind_at(repo, 1, 0).await;
        observe(repo, 1, super::present(Status::Active, "acme-coffee", seconds(60))).await;
        let due = repo.due(ReconcileScope::Due(seconds(61) + INTERVAL), None, 9).await.unwrap();
        let next_look_at = seconds(60) + INTERVAL;
        assert_eq!(due, [ReconcileCursor { next_look_at, installation: installation(1) }]);
    }
);
