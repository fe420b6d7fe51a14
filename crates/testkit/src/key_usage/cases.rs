//! The stored time of a key's last use is at most an hour early and never late.

use std::sync::Arc;

use dockline::KeyId;
use time::{Duration, OffsetDateTime};

use super::KeyUsageDriver;
use crate::fixtures::{NOON, in_the_east, in_the_west, key_of};
use crate::race::{ROUNDS, TASKS, race};
use crate::runner::cases;

const MINUTE: Duration = Duration::MINUTE;

pub(super) async fn stored_key(driver: &dyn KeyUsageDriver, seed: u64) -> KeyId {
    let (_, record) = key_of("org_acme", seed);
    driver.insert(record.clone()).await;
    record.id
}

pub(super) async fn last_used(driver: &dyn KeyUsageDriver, id: &KeyId) -> Option<OffsetDateTime> {
    driver.flush().await;
    driver.last_used(id).await
}

#[track_caller]
pub(super) fn assert_within_the_hour(last_used: Option<OffsetDateTime>, latest: OffsetDateTime) {
    let early = last_used.map(|last_used| latest - last_used);
    assert!(
        early.is_some_and(|early| (Duration::ZERO..Duration::HOUR).contains(&early)),
        "stored {last_used:?}, but the key was last used at {latest}"
    );
}

cases!(
    use __key_usage_cases as list;

    /// A key that was never used has no time.
    pub async fn unused_key_has_no_time(driver: &dyn KeyUsageDriver) {
        let id = stored_key(driver, 1).await;
        assert_eq!(last_used(driver, &id).await, None);
    }

    /// The time is less than an hour early and never late, at any minute of an hour, flushed in between or not.
    pub async fn time_is_less_than_an_hour_early_and_never_late(driver: &dyn KeyUsageDriver) {
        for (seed, minute) in (1..).zip([0, 1, 29, 59]) {
            let id = stored_key(driver, seed).await;
            let first = NOON + MINUTE * minute;
            driver.usage().used(&id, first);
            assert_within_the_hour(last_used(driver, &id).await, first);
            for later in [MINUTE, MINUTE * 40, MINUTE * 90, MINUTE * 60 * 24] {
                driver.usage().used(&id, first + later);
            }
            assert_within_the_hour(last_used(driver, &id).await, first + MINUTE * 60 * 24);
        }
    }

    /// A use two hours after the last one moves the time, also if each is flushed.
    pub async fn later_use_moves_the_time(driver: &dyn KeyUsageDriver) {
        let id = stored_key(driver, 1).await;
        for hours in (0..24).step_by(2) {
            let at = NOON + Duration::hours(hours) + Duration::minutes(hours);
            driver.usage().used(&id, at);
            assert_within_the_hour(last_used(driver, &id).await, at);
        }
    }

    /// A use counts for its own key only, also in a large batch.
    pub async fn use_counts_for_its_own_key(driver: &dyn KeyUsageDriver) {
        let mut ids = Vec::new();
        for seed in 1..=40 {
            ids.push(stored_key(driver, seed).await);
        }
        let at = |number: usize| NOON + Duration::HOUR * i32::try_from(number).unwrap();
        for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
            driver.usage().used(id, at(number));
        }
        for (number, id) in ids.iter().enumerate() {
            let stored = last_used(driver, id).await;
            if number % 3 == 0 {
                assert_within_the_hour(stored, at(number));
            } else {
                assert_eq!(stored, None);
            }
        }
    }

    /// The use of an unknown key, such as a deleted one, does not affect the others of its batch.
    pub async fn unknown_key_does_not_spoil_the_batch(driver: &dyn KeyUsageDriver) {
        let known = [stored_key(driver, 1).await, stored_key(driver, 2).await];
        let (_, unknown) = key_of("org_acme", 3);
        let [first, second] = &known;
        for id in [first, &unknown.id, second] {
            driver.usage().used(id, NOON);
        }
        for id in &known {
            assert_within_the_hour(last_used(driver, id).await, NOON);
        }
    }

    /// An earlier use does not move the time back, by a minute or by a week, flushed in between or not (I27).
    pub async fn earlier_use_does_not_move_the_time_back(driver: &dyn KeyUsageDriver) {
        for (seed, back) in (1..).zip([MINUTE, Duration::HOUR, Duration::DAY, Duration::WEEK]) {
            let id = stored_key(driver, seed).await;
            driver.usage().used(&id, NOON);
            let before = last_used(driver, &id).await;
            driver.usage().used(&id, NOON - back);
            assert_eq!(last_used(driver, &id).await, before);
            let id = stored_key(driver, seed + 100).await;
            driver.usage().used(&id, NOON);
            driver.usage().used(&id, NOON - back);
            assert_within_the_hour(last_used(driver, &id).await, NOON);
        }
    }

    /// A later flush, empty or with another key, does not change the time.
    pub async fn later_flush_does_not_change_the_time(driver: &dyn KeyUsageDriver) {
        let (one, other) = (stored_key(driver, 1).await, stored_key(driver, 2).await);
        driver.usage().used(&one, NOON);
        let before = last_used(driver, &one).await;
        assert_within_the_hour(before, NOON);
        driver.usage().used(&other, NOON + Duration::DAY);
        assert_eq!(last_used(driver, &one).await, before);
        assert_eq!(last_used(driver, &one).await, before);
    }

    /// No use is lost if several tasks use and flush at once.
    pub async fn concurrent_uses_are_all_stored(driver: &Arc<dyn KeyUsageDriver>) {
        for round in ROUNDS {
            let mut ids = Vec::new();
            for number in 1..=TASKS {
                ids.push(stored_key(&**driver, round * 1_000 + number).await);
            }
            let known = ids.clone();
            race(driver, move |driver, number| {
                let id = known.get(usize::try_from(number - 1).unwrap()).unwrap().clone();
                async move {
                    driver.usage().used(&id, NOON);
                    driver.flush().await;
                    driver.usage().used(&id, NOON + Duration::DAY);
                }
            })
            .await;
            for id in &ids {
                assert_within_the_hour(last_used(&**driver, id).await, NOON + Duration::DAY);
            }
        }
    }

    /// A use counts at its instant, whatever its offset (I27).
    pub async fn offsets_of_times_change_nothing(driver: &dyn KeyUsageDriver) {
        let id = stored_key(driver, 1).await;
        driver.usage().used(&id, in_the_west(NOON + Duration::hours(2)));
        assert_within_the_hour(last_used(driver, &id).await, NOON + Duration::hours(2));
        // Its clock shows the next day, but it is earlier.
        driver.usage().used(&id, in_the_east(NOON));
        assert_within_the_hour(last_used(driver, &id).await, NOON + Duration::hours(2));
        driver.usage().used(&id, in_the_east(NOON + Duration::hours(4)));
        assert_within_the_hour(last_used(driver, &id).await, NOON + Duration::hours(4));
    }
);
