//! What is kept for good, and for how long the rest is. The case tells the repository the time by calls about others.

use dockline::ports::{BindingRepo, InsertOutcome, ObserveOutcome};
use dockline::{NewBinding, Status};
use time::{Duration, OffsetDateTime};

use super::{
    NOON, actor, bind, deleted, find, installation, installer_record, new_binding, observe, organization,
    present, record_of,
};
use crate::fixtures::{CANARY, assert_hidden};
use crate::runner::cases;

const YEAR: Duration = Duration::days(365);

fn at(time: OffsetDateTime, new: NewBinding) -> NewBinding {
    NewBinding { last_verified_at: time, next_look_at: time + Duration::HOUR, registered_at: time, ..new }
}

/// Lets every method that writes see this time.
async fn pass(repo: &dyn BindingRepo, time: OffsetDateTime) {
    let (name, number) = ("clock", 900);
    bind(repo, at(time, new_binding(name, number, &time.to_string()))).await;
    observe(repo, number, present(Status::Suspended, "clock", time)).await;
    repo.postpone(installation(number), time + Duration::DAY).await.unwrap();
    repo.record_installer(installation(number), installer_record(1), time).await.unwrap();
    repo.release(&organization(name), installation(number), &actor(), time).await.unwrap();
}

cases!(
    use __binding_repo_kept as list;

    /// A state that made a binding is refused for ever, also after the release and many years (I3).
    pub async fn spent_states_are_refused_for_ever(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        repo.release(&organization("acme"), installation(1), &actor(), NOON).await.unwrap();
        for years in [1, 10, 100] {
            let time = NOON + YEAR * years;
            pass(repo, time).await;
            for number in [1, 2] {
                let again = at(time, new_binding("acme", number, "state"));
                assert_eq!(repo.insert(again).await.unwrap(), InsertOutcome::Spent, "after {years} years");
            }
        }
    }

    /// An end that is final is final for ever, of a bound installation and of one that was never bound (I7).
    pub async fn final_ends_are_kept_for_ever(repo: &dyn BindingRepo) {
        bind(repo, new_binding("acme", 1, "state")).await;
        for number in [1, 2] {
            observe(repo, number, deleted(NOON)).await;
        }
        repo.release(&organization("acme"), installation(1), &actor(), NOON).await.unwrap();
        for years in [1, 10, 100] {
            let time = NOON + YEAR * years;
            pass(repo, time).await;
            for number in [1, 2] {
                let shown = present(Status::Active, "acme-coffee", time);
                assert_eq!(observe(repo, number, shown).await, ObserveOutcome::Gone, "after {years} years");
                let name = format!("org-{years}-{number}");
                let insert = repo.insert(at(time, new_binding(&name, number, "fresh"))).await.unwrap();
                assert_eq!(insert, InsertOutcome::Gone, "after {years} years");
            }
        }
    }

    /// A live binding is kept for ever, however long GitHub did not show it or was not asked.
    pub async fn live_bindings_are_kept_for_ever(repo: &dyn BindingRepo) {
        let first = bind(repo, new_binding("acme", 1, "state")).await;
        bind(repo, new_binding("other", 2, "state")).await;
        observe(repo, 2, deleted(NOON)).await;
        repo.record_installer(installation(1), installer_record(77), NOON).await.unwrap();
        pass(repo, NOON + YEAR * 100).await;
        assert_eq!(find(repo, "acme").await, Some(first));
        assert_eq!(find(repo, "other").await.unwrap().status, Status::Uninstalled);
        assert_eq!(repo.installer(installation(1)).await.unwrap(), Some(installer_record(77)));
    }

    /// An unbound installation, and the record of its installer, are kept for 30 days after they were last observed, released
    /// or recorded: a claim by the installer needs them.
    pub async fn unbound_installations_are_kept_for_30_days(repo: &dyn BindingRepo) {
        let month = Duration::days(30);
        observe(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
        repo.record_installer(installation(1), installer_record(77), NOON).await.unwrap();
        bind(repo, new_binding("acme", 2, "state")).await;
        repo.release(&organization("acme"), installation(2), &actor(), NOON + month).await.unwrap();
        let before = [record_of(repo, 1).await, record_of(repo, 2).await];
        pass(repo, NOON + month).await;
        assert_eq!([record_of(repo, 1).await, record_of(repo, 2).await], before);
        assert_eq!(repo.installer(installation(1)).await.unwrap(), Some(installer_record(77)));
        pass(repo, NOON + month * 2).await;
        assert_eq!(record_of(repo, 2).await, before[1], "the release counts, not the last look");
    }

    /// `Debug` of the repository shows nothing that is stored (I14).
    pub async fn debug_shows_nothing_stored(repo: &dyn BindingRepo) {
        bind(repo, new_binding(CANARY, 1, "state")).await;
        observe(repo, 2, present(Status::Active, CANARY, NOON)).await;
        assert_hidden(repo, CANARY);
    }
);
