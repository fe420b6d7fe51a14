//! Bindings and final ends are kept for ever, unbound installations and records of installers for 30 days.

use dockline::ports::{InsertOutcome, Observation, ObserveOutcome};
use dockline::{InstallationFacts, NewBinding, Presence, Status, UninstalledBy};
use time::{Duration, OffsetDateTime};

use super::{HousekeepingDriver, MONTH, purge};
use crate::binding_repo::{bind, deleted, find, missing, new_binding, observe, present, record_of};
use crate::fixtures::{NOON, actor, installation, installer_record, organization};
use crate::runner::cases;

/// Inserts a binding whose facts are of this time.
async fn insert(
    driver: &dyn HousekeepingDriver,
    name: &str,
    number: u64,
    state: &str,
    at: OffsetDateTime,
) -> InsertOutcome {
    let new = NewBinding { last_verified_at: at, registered_at: at, ..new_binding(name, number, state) };
    driver.bindings().insert(new).await.unwrap()
}

async fn release(driver: &dyn HousekeepingDriver, name: &str, number: u64, at: OffsetDateTime) {
    driver.bindings().release(&organization(name), installation(number), &actor(), at).await.unwrap();
}

cases!(
    use __housekeeping_bindings as list;

    /// No binding is ever deleted, live or released: a live one is found, and the state of a released one stays spent (I3).
    pub async fn bindings_are_kept_for_ever(driver: &dyn HousekeepingDriver) {
        let repo = driver.bindings();
        let live = bind(repo, new_binding("live", 1, "a")).await;
        bind(repo, new_binding("ended", 2, "b")).await;
        observe(repo, 2, deleted(NOON)).await;
        bind(repo, new_binding("released", 3, "c")).await;
        release(driver, "released", 3, NOON).await;
        for years in [1, 10, 100] {
            let now = NOON + Duration::days(365) * years;
            purge(driver, now).await;
            assert_eq!(find(repo, "live").await, Some(live.clone()), "after {years} years");
            assert_eq!(find(repo, "ended").await.unwrap().status, Status::Uninstalled);
            let again = insert(driver, "released", 3, "c", now).await;
            assert_eq!(again, InsertOutcome::Spent, "after {years} years");
        }
    }

    /// Of a final end the account and the facts are deleted after 30 days, and the end is kept for ever, whether GitHub reported or
    /// we caused it. An absence is deleted as a whole (I7).
    pub async fn final_ends_are_kept_for_ever(driver: &dyn HousekeepingDriver) {
        let (repo, ended_at) = (driver.bindings(), NOON + Duration::DAY);
        // 1 was seen and deleted, 2 only heard of by its end, 3 uninstalled by us, 4 is absent.
        observe(repo, 1, present(Status::Active, "acme", NOON)).await;
        for (number, name) in [(3, "removed"), (4, "absent")] {
            bind(repo, new_binding(name, number, "state")).await;
        }
        for number in [1, 3, 4] {
            let facts = InstallationFacts::default();
            driver.directory().record_facts(installation(number), &facts, Some(NOON)).await.unwrap();
        }
        for number in [1, 2] {
            observe(repo, number, deleted(ended_at)).await;
        }
        observe(repo, 3, Observation::UninstalledByUs { at: ended_at }).await;
        for asked_at in [NOON + Duration::HOUR, NOON + Duration::HOUR * 2] {
            observe(repo, 4, missing(asked_at)).await;
        }
        for (number, name) in [(3, "removed"), (4, "absent")] {
            release(driver, name, number, ended_at).await;
        }
        purge(driver, ended_at + MONTH).await;
        for number in [1, 3, 4] {
            let record = record_of(repo, number).await.unwrap();
            assert!(record.account.is_some(), "the account of {number} was deleted within 30 days");
        }
        let by = |number| if number == 3 { UninstalledBy::Us } else { UninstalledBy::Deletion };
        for years in [1, 10, 100] {
            let now = NOON + Duration::days(365) * years;
            purge(driver, now).await;
            for number in [1, 2, 3] {
                let shown = present(Status::Active, "acme", now);
                assert_eq!(observe(repo, number, shown).await, ObserveOutcome::Gone, "after {years} years");
                let bound = insert(driver, "acme", number, "fresh", now).await;
                assert_eq!(bound, InsertOutcome::Gone, "after {years} years");
                let record = record_of(repo, number).await.unwrap();
                assert_eq!(record.life.presence, Presence::Uninstalled { by: by(number) });
                assert_eq!(record.account, None, "the account of {number} was kept for years");
            }
            assert_eq!(record_of(repo, 4).await, None, "an absence was kept for years");
            for number in [1, 3, 4] {
                let facts = driver.directory().facts(installation(number)).await.unwrap();
                assert_eq!(facts, None, "the facts of {number} were kept for years");
            }
        }
    }

    /// An unbound installation is kept for 30 days after it was last observed or released, and then deleted.
    pub async fn unbound_installations_are_kept_for_30_days(driver: &dyn HousekeepingDriver) {
        let repo = driver.bindings();
        observe(repo, 1, present(Status::Suspended, "acme", NOON)).await;
        bind(repo, new_binding("acme", 2, "state")).await;
        let released_at = NOON + Duration::days(2);
        release(driver, "acme", 2, released_at).await;
        assert_eq!(purge(driver, NOON + MONTH).await, 0);
        assert!(record_of(repo, 1).await.is_some());
        purge(driver, NOON + MONTH + Duration::DAY).await;
        assert_eq!(record_of(repo, 1).await, None, "kept longer than 30 days");
        assert!(record_of(repo, 2).await.is_some(), "the release counts, not the last look");
        purge(driver, released_at + MONTH + Duration::DAY).await;
        assert_eq!(record_of(repo, 2).await, None, "kept longer than 30 days");
        assert_eq!(insert(driver, "acme", 2, "state", released_at + MONTH * 2).await, InsertOutcome::Spent);
    }

    /// A record of an installer is kept for 30 days after it was made, and as long as the installation is bound. A second record
    /// neither replaces nor renews it.
    pub async fn installers_are_kept_for_30_days_or_while_bound(driver: &dyn HousekeepingDriver) {
        let repo = driver.bindings();
        let (first, second) = (installer_record(77), installer_record(78));
        bind(repo, new_binding("acme", 1, "state")).await;
        observe(repo, 2, present(Status::Active, "acme", NOON + MONTH)).await;
        for number in 1..=4 {
            repo.record_installer(installation(number), first, NOON).await.unwrap();
        }
        let later = NOON + Duration::days(3);
        repo.record_installer(installation(4), second, later).await.unwrap();
        repo.record_installer(installation(5), first, later).await.unwrap();
        purge(driver, NOON + MONTH).await;
        for number in 1..=5 {
            let kept = repo.installer(installation(number)).await.unwrap();
            assert_eq!(kept, Some(first), "the record of {number} was deleted within 30 days");
        }
        purge(driver, NOON + MONTH + Duration::HOUR).await;
        for (number, kept) in [(1, true), (2, false), (3, false), (4, false), (5, true)] {
            let stored = repo.installer(installation(number)).await.unwrap();
            assert_eq!(stored, kept.then_some(first), "{number}");
        }
        repo.record_installer(installation(4), second, later).await.unwrap();
        assert_eq!(repo.installer(installation(4)).await.unwrap(), Some(second));
        release(driver, "acme", 1, NOON + MONTH).await;
        purge(driver, NOON + MONTH + Duration::HOUR).await;
        assert_eq!(repo.installer(installation(1)).await.unwrap(), None);
    }
);
