//! States are deleted a day after their expiry.

use std::sync::Arc;

use dockline::IssuedState;
use time::Duration;

use super::{HousekeepingDriver, purge};
use crate::fixtures::{NOON, claim, digest, in_the_east, state_of};
use crate::race::race;
use crate::runner::cases;

fn issued(name: &str) -> IssuedState {
    state_of("org_acme", digest(name), NOON)
}

cases!(
    use __housekeeping_states as list;

    /// A state is kept for a day after its expiry, tied or revoked or neither, and deleted afterwards.
    pub async fn state_is_kept_for_a_day_after_its_expiry(driver: &dyn HousekeepingDriver) {
        let states = driver.states();
        let names = ["unused", "tied", "revoked"];
        for name in names {
            states.put(issued(name)).await.unwrap();
        }
        states.confirm_claim(&digest("tied"), None, claim(1)).await.unwrap();
        states.revoke(&digest("revoked"), None).await.unwrap();
        let last = issued("unused").expires_at + Duration::DAY;
        assert_eq!(purge(driver, last).await, 0, "deleted within a day");
        assert_eq!(purge(driver, in_the_east(last)).await, 0, "deleted within a day, by a clock in the east");
        for name in names {
            assert!(states.find_by_digest(&digest(name)).await.unwrap().is_some(), "{name}");
        }
        assert_eq!(purge(driver, last + Duration::MICROSECOND).await, 3, "kept longer than a day");
        for name in names {
            assert_eq!(states.find_by_digest(&digest(name)).await.unwrap(), None, "{name}");
        }
    }

    /// A call deletes no more than a batch of each kind, returns the number, and returns zero only if nothing is left.
    pub async fn states_are_deleted_in_batches(driver: &dyn HousekeepingDriver) {
        for number in 0..7 {
            driver.states().put(issued(&number.to_string())).await.unwrap();
        }
        let later = NOON + Duration::WEEK;
        let mut deleted = 0;
        loop {
            let rows = driver.housekeeping().purge(later, 3).await.unwrap();
            assert!(rows <= 3, "{rows} rows in a batch of 3");
            deleted += rows;
            if rows == 0 {
                break;
            }
        }
        assert_eq!(deleted, 7);
    }

    /// Nodes that delete at once delete each row once, and none fails.
    pub async fn racing_nodes_delete_each_row_once(driver: &Arc<dyn HousekeepingDriver>) {
        for number in 0..40 {
            driver.states().put(issued(&number.to_string())).await.unwrap();
        }
        let later = NOON + Duration::WEEK;
        let raced: u64 =
            race(driver, |driver, _| async move { purge(&*driver, later).await }).await.iter().sum();
        assert_eq!(raced + purge(&**driver, later).await, 40);
    }
);
