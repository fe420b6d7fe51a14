//! Which bindings are counted.

use dockline::ports::Observation;
use dockline::{BindingCounts, Status};
use time::Duration;

use super::OperatorsDriver;
use crate::binding_repo::{bind, deleted, missing, new_binding, observe, present};
use crate::fixtures::{NOON, actor, installation, organization};
use crate::runner::cases;

async fn bind_all(driver: &dyn OperatorsDriver, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        bind(driver.bindings(), new_binding(&format!("org_{number}"), number, "state")).await;
    }
}

async fn release(driver: &dyn OperatorsDriver, number: u64) {
    let owner = organization(&format!("org_{number}"));
    driver.bindings().release(&owner, installation(number), &actor(), NOON).await.unwrap();
}

cases!(
    use __operators_counts as list;

    /// Live bindings of this App are counted by status. Missing ones, and those that were shown within the last week and are
    /// absent, count as not shown.
    pub async fn live_bindings_are_counted_by_status(driver: &dyn OperatorsDriver) {
        assert_eq!(driver.counter().count(NOON).await.unwrap(), BindingCounts::default());
        bind_all(driver, (1..=6).chain(10..=13)).await;
        bind(driver.bindings_of_other_app(), new_binding("org_1", 1, "state")).await;
        let minutes = |minutes| NOON + Duration::minutes(minutes);
        for (number, status, asked_at) in [
            (1, Status::Active, 9),
            (2, Status::Active, 3),
            (3, Status::Active, 7),
            (4, Status::Suspended, 5),
            // Unbound.
            (9, Status::Active, 1),
        ] {
            observe(driver.bindings(), number, present(status, "acme-coffee", minutes(asked_at))).await;
        }
        observe(driver.bindings(), 5, deleted(NOON)).await;
        // 10 and 11 are missing, 12 is absent, 13 is ending.
        for (number, asked_at) in [(10, 10), (11, 10), (12, 10), (12, 70)] {
            observe(driver.bindings(), number, missing(minutes(asked_at))).await;
        }
        observe(driver.bindings(), 13, Observation::Ending { at: NOON }).await;
        release(driver, 6).await;
        for (days, not_shown) in [(1, 3), (8, 2)] {
            let expected = BindingCounts {
                active: 3,
                suspended: 1,
                missing: 2,
                ending: 1,
                uninstalled: 2,
                not_shown,
                due_since: Some(minutes(11)),
            };
            assert_eq!(driver.counter().count(NOON + Duration::days(days)).await.unwrap(), expected);
        }
    }

    /// The longest due binding is the first of the sweep. Whatever comes of a look, it moves the binding's next look, so that none
    /// raises the lag of the sweep for ever.
    pub async fn longest_due_binding_is_the_first_of_the_sweep(driver: &dyn OperatorsDriver) {
        bind_all(driver, 1..=3).await;
        let due_since = async || driver.counter().count(NOON).await.unwrap().due_since;
        let first = due_since().await.unwrap();
        let later = first + Duration::minutes(5);
        for number in 1..=3 {
            driver.bindings().postpone(installation(number), later).await.unwrap();
            assert_eq!(due_since().await, Some(if number < 3 { first } else { later }));
        }
        observe(driver.bindings(), 1, deleted(NOON)).await;
        observe(driver.bindings(), 2, Observation::UninstalledByUs { at: NOON }).await;
        assert_eq!(due_since().await, Some(later));
        release(driver, 3).await;
        assert_eq!(due_since().await, None);
    }
);
