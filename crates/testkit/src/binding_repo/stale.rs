//! `stale` lists the bound installations that were not verified for a while, page by page.

use dockline::ports::{BindingRepo, Observation, ObserveOutcome, ReconcileCursor};
use dockline::{InstallationId, NewBinding, Status};
use time::Duration;

use super::{bind, installation, new_binding, observe, organization, present, seconds, uninstalled};
use crate::runner::cases;

/// Binds the installation to an organization of its own, verified that many seconds after noon.
async fn bind_at(repo: &dyn BindingRepo, number: u64, verified: i64) {
    let new = new_binding(&format!("org_{number}"), number, "state");
    bind(repo, NewBinding { last_verified_at: seconds(verified), ..new }).await;
}

fn cursor(number: u64, verified: i64) -> ReconcileCursor {
    ReconcileCursor { verified_at: seconds(verified), installation: installation(number) }
}

/// The numbers of a page.
async fn page(repo: &dyn BindingRepo, before: i64, after: Option<ReconcileCursor>, limit: u32) -> Vec<u64> {
    let page = repo.stale(seconds(before), after, limit).await.unwrap();
    page.into_iter().map(|stale| stale.installation.get()).collect()
}

async fn all(repo: &dyn BindingRepo, before: i64) -> Vec<u64> {
    page(repo, before, None, u32::MAX).await
}

cases!(
    use __binding_repo_stale as list;

    /// An installation is stale if it was verified before the given time, and not if it was verified at that time (I7).
    pub async fn stale_means_verified_before_the_given_time(repo: &dyn BindingRepo) {
        assert_eq!(all(repo, 60).await, [0; 0]);
        bind_at(repo, 1, 10).await;
        let microsecond = Duration::microseconds(1);
        let at = async |before| repo.stale(before, None, 10).await.unwrap();
        assert_eq!(at(seconds(10) - microsecond).await, []);
        assert_eq!(at(seconds(10)).await, []);
        assert_eq!(at(seconds(10) + microsecond).await, [cursor(1, 10)]);
    }

    /// The order is by time, then by number as a number, not as text.
    pub async fn order_is_by_time_then_number(repo: &dyn BindingRepo) {
        let large = InstallationId::MAX;
        for (number, verified) in
            [(100, 20), (9, 20), (3_000_000_000, 10), (7, 30), (10, 20), (large, 20), (8, 5)]
        {
            bind_at(repo, number, verified).await;
        }
        assert_eq!(all(repo, 60).await, [8, 3_000_000_000, 9, 10, 100, large, 7]);
        assert_eq!(all(repo, 20).await, [8, 3_000_000_000]);
    }

    /// Only installations with a live binding are stale.
    pub async fn only_bound_installations_are_stale(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(0))).await;
        for number in [2, 3, 4] {
            bind_at(repo, number, 0).await;
        }
        repo.release(&organization("org_2"), installation(2), seconds(1)).await.unwrap();
        repo.release(&organization("org_3"), installation(3), seconds(1)).await.unwrap();
        assert_eq!(all(repo, 60).await, [4]);
        bind(repo, new_binding("other", 3, "state")).await;
        assert_eq!(all(repo, 60).await, [3, 4]);
    }

    /// A suspended installation can be stale, an uninstalled one cannot (I7, L-35).
    pub async fn suspended_is_stale_and_uninstalled_is_not(repo: &dyn BindingRepo) {
        for number in [1, 2, 3] {
            bind_at(repo, number, 0).await;
        }
        observe(repo, 1, present(Status::Suspended, "acme-coffee", seconds(1))).await;
        observe(repo, 2, uninstalled(seconds(1))).await;
        assert_eq!(all(repo, 60).await, [3, 1]);
    }

    /// An observation makes an installation fresh, also without a change.
    pub async fn observed_installation_is_not_stale(repo: &dyn BindingRepo) {
        for number in [1, 2] {
            bind_at(repo, number, 0).await;
        }
        observe(repo, 1, present(Status::Active, "acme-coffee", seconds(60))).await;
        assert_eq!(all(repo, 60).await, [2]);
        assert_eq!(all(repo, 61).await, [2, 1]);
    }

    /// Changed permissions and outdated observations leave an installation stale (L-30).
    pub async fn observation_that_does_not_count_leaves_it_stale(repo: &dyn BindingRepo) {
        bind_at(repo, 1, 30).await;
        observe(repo, 1, Observation::PermissionsChanged).await;
        let older = observe(repo, 1, present(Status::Active, "acme-coffee", seconds(20))).await;
        assert_eq!(older, ObserveOutcome::Outdated);
        assert_eq!(repo.stale(seconds(60), None, 10).await.unwrap(), [cursor(1, 30)]);
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
        let stale = [(1, 5), (2, 5), (3, 5), (9, 5), (10, 5), (4, 6), (5, 6), (100, 6)];
        for (number, verified) in stale.into_iter().rev() {
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
            assert_eq!(seen, stale.map(|(number, verified)| cursor(number, verified)));
        }
    }

    /// A cursor is a position in the order: its entry may have been released or may never have existed.
    pub async fn cursor_does_not_need_its_entry(repo: &dyn BindingRepo) {
        for number in [1, 2, 3, 4] {
            bind_at(repo, number, 5).await;
        }
        repo.release(&organization("org_2"), installation(2), seconds(60)).await.unwrap();
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
            let page = repo.stale(seconds(60), after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(*last);
            for stale in page {
                let number = stale.installation.get();
                observe(repo, number, present(Status::Active, "acme-coffee", seconds(60))).await;
                seen.push(number);
            }
        }
        assert_eq!(seen, [3, 6, 1, 4, 7, 2, 5]);
        assert_eq!(all(repo, 60).await, [0; 0]);
    }
);
