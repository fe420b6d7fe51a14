//! Times are instants, whatever their offset from UTC.

use dockline::ports::{BindingRepo, ObserveOutcome, ReconcileCursor, ReconcileScope, ReleaseOutcome};
use dockline::{NewBinding, Status};
use time::Duration;

use super::{
    NOON, account, actor, bind, find, installation, new_binding, observe, organization, present, record_of,
    seconds,
};
use crate::fixtures::{in_the_east, in_the_west};
use crate::runner::cases;

cases!(
    use __binding_repo_times as list;

    /// The times of a binding come back as the same instants, whatever their offsets (I4).
    pub async fn offsets_of_a_bindings_times_change_nothing(repo: &dyn BindingRepo) {
        let plain = bind(repo, new_binding("acme", 1, "state")).await;
        let new = new_binding("other", 2, "state");
        let other = bind(
            repo,
            NewBinding {
                registered_at: in_the_east(new.registered_at),
                last_verified_at: in_the_west(new.last_verified_at),
                next_look_at: in_the_east(new.next_look_at),
                ..new
            },
        )
        .await;
        assert_eq!(other.registered_at, plain.registered_at);
        assert_eq!(other.last_verified_at, plain.last_verified_at);
        assert_eq!(other.life, plain.life);
        assert_eq!(find(repo, "other").await, Some(other.clone()));
        let at = in_the_east(seconds(60));
        let released = repo.release(&organization("other"), installation(2), &actor(), at).await.unwrap();
        assert_eq!(released, ReleaseOutcome::Released(other));
    }

    /// Observations are ordered by their instants, not by what the clocks showed (I22, L-30).
    pub async fn observations_are_ordered_by_instant(repo: &dyn BindingRepo) {
        observe(repo, 1, present(Status::Active, "later", in_the_west(seconds(10)))).await;
        // Its clock shows the next day.
        let earlier = present(Status::Suspended, "earlier", in_the_east(seconds(5)));
        assert_eq!(observe(repo, 1, earlier).await, ObserveOutcome::Outdated);
        let record = record_of(repo, 1).await.unwrap();
        assert_eq!((record.account, record.verified_at), (Some(account("later")), seconds(10)));
        // Its clock shows the day before.
        let latest = present(Status::Suspended, "latest", in_the_west(seconds(11)));
        assert_eq!(observe(repo, 1, latest).await, ObserveOutcome::Recorded);
        assert_eq!(record_of(repo, 1).await.unwrap().verified_at, seconds(11));
    }

    /// Looks are due by their instants, and postponed by them.
    pub async fn looks_are_due_by_instant(repo: &dyn BindingRepo) {
        for (number, next_look_at) in
            [(1, in_the_west(NOON + Duration::HOUR)), (2, in_the_east(NOON + Duration::MINUTE))]
        {
            let name = format!("org-{number}");
            bind(repo, NewBinding { next_look_at, ..new_binding(&name, number, "state") }).await;
        }
        let due = async |before| -> Vec<u64> {
            let due = repo.due(ReconcileScope::Due(before), None, 10).await.unwrap();
            due.iter().map(|cursor| cursor.installation.get()).collect()
        };
        assert_eq!(due(in_the_east(NOON + Duration::MINUTE)).await, [0_u64; 0]);
        assert_eq!(due(in_the_west(NOON + Duration::minutes(2))).await, [2]);
        assert_eq!(due(in_the_west(NOON + Duration::hours(2))).await, [2, 1]);
        let cursor = ReconcileCursor {
            next_look_at: in_the_west(NOON + Duration::MINUTE),
            installation: installation(2),
        };
        let scope = ReconcileScope::Due(NOON + Duration::hours(2));
        let after = repo.due(scope, Some(cursor), 10).await.unwrap();
        assert_eq!(after.iter().map(|cursor| cursor.installation.get()).collect::<Vec<_>>(), [1]);
        // Its clock shows a time before the look.
        repo.postpone(installation(2), in_the_west(NOON + Duration::hours(3))).await.unwrap();
        // Its clock shows the next day, but it would put the look back.
        repo.postpone(installation(1), in_the_east(NOON)).await.unwrap();
        assert_eq!(due(NOON + Duration::hours(2)).await, [1]);
        let before = ReconcileScope::ObservedBefore(in_the_west(NOON + Duration::SECOND));
        assert_eq!(repo.due(before, None, 10).await.unwrap().len(), 2);
    }

    /// Times before 2000 and before 1970 are truncated downwards, too: some drivers count from there, and round towards it.
    pub async fn early_times_are_truncated_downwards(repo: &dyn BindingRepo) {
        for (number, year) in (1..).zip([1901, 1969, 1999]) {
            let whole = NOON.replace_year(year).unwrap() + Duration::microseconds(123_456);
            let at = in_the_east(whole + Duration::nanoseconds(999));
            let name = format!("org-{year}");
            let new =
                NewBinding { registered_at: at, last_verified_at: at, ..new_binding(&name, number, "state") };
            let row = bind(repo, new).await;
            assert_eq!((row.registered_at, row.last_verified_at), (whole, whole));
            assert_eq!(find(repo, &name).await, Some(row));
        }
    }
);
