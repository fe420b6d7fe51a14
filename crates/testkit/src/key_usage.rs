//! What a [`KeyUsage`] promises. [`key_usage_suite!`](crate::key_usage_suite) runs it all.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::KeyUsage;
use dockline::{KeyId, KeyRecord};
use time::{Duration, OffsetDateTime};

/// Shows what an adapter took note of: the port itself only listens.
#[async_trait]
pub trait KeyUsageDriver: Debug + Send + Sync + 'static {
    /// The adapter under test.
    fn usage(&self) -> &dyn KeyUsage;

    /// Gives a key out, so that there is something to take note of.
    async fn give_out(&self, record: KeyRecord);

    /// Has everything written that waits to be.
    async fn write(&self);

    /// What is told of the key.
    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime>;
}

/// One `#[test]` for each clause of [`KeyUsage`](crate::dockline::ports::KeyUsage), in a module `key_usage`.
///
/// Takes a future that gives a [`KeyUsageDriver`] over a fresh, empty, isolated store, or `(guard, driver)`, and where
/// the guard has to be taken down asynchronously, `teardown = |guard| async move { … }`.
#[macro_export]
macro_rules! key_usage_suite {
    ($fresh:expr) => {
        $crate::key_usage_suite!($fresh, teardown = $crate::runner::drop_guard);
    };
    ($fresh:expr, teardown = $teardown:expr) => {
        $crate::__suite! {
            key_usage, $crate::key_usage::KeyUsageDriver, $fresh, $teardown;
            clauses:
                a_key_that_was_never_used_has_no_time,
                a_use_is_told_less_than_an_hour_early_and_never_late,
                a_later_use_is_told_after_the_hour,
                a_use_is_of_exactly_the_key_that_was_used,
                a_key_that_nobody_knows_harms_no_other,
                a_clock_that_goes_back_takes_nothing_back,
                what_was_written_is_not_taken_back_by_what_is_written_later,
                whatever_the_clock_does_each_key_is_told_within_the_hour;
            @shared clauses:
                uses_of_one_moment_are_all_taken_note_of;
        }
    };
}

/// The clauses.
pub mod clauses {
    use super::*;
    use crate::fixtures::{NOON, key_of};
    use crate::race::{ROUNDS, TASKS, race};
    use crate::random::{Random, seeds};

    const MINUTE: Duration = Duration::MINUTE;

    /// A key that is given out.
    async fn key(driver: &dyn KeyUsageDriver, seed: u64) -> KeyId {
        let (_, record) = key_of("org_acme", seed);
        driver.give_out(record.clone()).await;
        record.id
    }

    async fn told(driver: &dyn KeyUsageDriver, id: &KeyId) -> Option<OffsetDateTime> {
        driver.write().await;
        driver.last_used(id).await
    }

    #[track_caller]
    fn assert_of(told: Option<OffsetDateTime>, latest: OffsetDateTime) {
        let early = told.map(|told| latest - told);
        assert!(
            early.is_some_and(|early| (Duration::ZERO..Duration::HOUR).contains(&early)),
            "{told:?} {latest}"
        );
    }

    /// Given out is not used.
    pub async fn a_key_that_was_never_used_has_no_time(driver: &dyn KeyUsageDriver) {
        let id = key(driver, 1).await;
        assert_eq!(told(driver, &id).await, None);
    }

    /// At any minute of an hour, and also where nothing was written between two uses.
    pub async fn a_use_is_told_less_than_an_hour_early_and_never_late(driver: &dyn KeyUsageDriver) {
        for (seed, minute) in (1..).zip([0, 1, 29, 59]) {
            let id = key(driver, seed).await;
            let first = NOON + MINUTE * minute;
            driver.usage().used(&id, first);
            assert_of(told(driver, &id).await, first);
            for later in [MINUTE, MINUTE * 40, MINUTE * 90, MINUTE * 60 * 24] {
                driver.usage().used(&id, first + later);
            }
            assert_of(told(driver, &id).await, first + MINUTE * 60 * 24);
        }
    }

    /// Every two hours is every two hours, written each time.
    pub async fn a_later_use_is_told_after_the_hour(driver: &dyn KeyUsageDriver) {
        let id = key(driver, 1).await;
        for hours in (0..24).step_by(2) {
            let at = NOON + Duration::hours(hours) + Duration::minutes(hours);
            driver.usage().used(&id, at);
            assert_of(told(driver, &id).await, at);
        }
    }

    /// Neither its neighbours nor the first of a batch.
    pub async fn a_use_is_of_exactly_the_key_that_was_used(driver: &dyn KeyUsageDriver) {
        let mut ids = Vec::new();
        for seed in 1..=40 {
            ids.push(key(driver, seed).await);
        }
        let at = |number: usize| NOON + Duration::HOUR * i32::try_from(number).unwrap();
        for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
            driver.usage().used(id, at(number));
        }
        for (number, id) in ids.iter().enumerate() {
            match told(driver, id).await {
                None => assert_ne!(number % 3, 0),
                told => {
                    assert_eq!(number % 3, 0);
                    assert_of(told, at(number));
                }
            }
        }
    }

    /// Such as one that was deleted meanwhile.
    pub async fn a_key_that_nobody_knows_harms_no_other(driver: &dyn KeyUsageDriver) {
        let known = [key(driver, 1).await, key(driver, 2).await];
        let (_, unknown) = key_of("org_acme", 3);
        let [first, second] = &known;
        for id in [first, &unknown.id, second] {
            driver.usage().used(id, NOON);
        }
        for id in &known {
            assert_of(told(driver, id).await, NOON);
        }
    }

    /// By a minute, by an hour, by a day; whether or not it was written in between (I27).
    pub async fn a_clock_that_goes_back_takes_nothing_back(driver: &dyn KeyUsageDriver) {
        for (seed, back) in (1..).zip([MINUTE, Duration::HOUR, Duration::DAY, Duration::WEEK]) {
            let id = key(driver, seed).await;
            driver.usage().used(&id, NOON);
            let before = told(driver, &id).await;
            driver.usage().used(&id, NOON - back);
            assert_eq!(told(driver, &id).await, before);
            let id = key(driver, seed + 100).await;
            driver.usage().used(&id, NOON);
            driver.usage().used(&id, NOON - back);
            assert_of(told(driver, &id).await, NOON);
        }
    }

    /// Writing anew, and writing nothing, changes nothing.
    pub async fn what_was_written_is_not_taken_back_by_what_is_written_later(driver: &dyn KeyUsageDriver) {
        let (one, other) = (key(driver, 1).await, key(driver, 2).await);
        driver.usage().used(&one, NOON);
        let before = told(driver, &one).await;
        assert_of(before, NOON);
        driver.usage().used(&other, NOON + Duration::DAY);
        assert_eq!(told(driver, &one).await, before);
        assert_eq!(told(driver, &one).await, before);
    }

    /// Random uses of a few keys, by a clock that mostly goes on and at times back, and random writes.
    pub async fn whatever_the_clock_does_each_key_is_told_within_the_hour(driver: &dyn KeyUsageDriver) {
        for seed in seeds() {
            println!("DOCKLINE_SEED={seed}"); // the last one that is printed is the one that failed
            let mut random = Random::seeded(seed);
            let mut ids = Vec::new();
            for number in 0..4 {
                ids.push(key(driver, 1_000 + seed * 4 + number).await);
            }
            let mut now = NOON;
            let mut latest = BTreeMap::new();
            for _ in 0..60 {
                now += match random.below(10) {
                    0 => Duration::hours(random.below(50).into()),
                    1 => -Duration::minutes(random.below(300).into()),
                    _ => Duration::seconds(random.below(1_200).into()),
                };
                let number = random.below(4) as usize;
                driver.usage().used(ids.get(number).unwrap(), now);
                let known = latest.entry(number).or_insert(now);
                *known = now.max(*known);
                if random.below(8) == 0 {
                    driver.write().await;
                }
            }
            for (number, id) in ids.iter().enumerate() {
                match latest.get(&number) {
                    Some(latest) => assert_of(told(driver, id).await, *latest),
                    None => assert_eq!(told(driver, id).await, None),
                }
            }
        }
    }

    /// While it is being written, too.
    pub async fn uses_of_one_moment_are_all_taken_note_of(driver: &Arc<dyn KeyUsageDriver>) {
        for round in ROUNDS {
            let mut ids = Vec::new();
            for number in 1..=TASKS {
                ids.push(key(&**driver, round * 1_000 + number).await);
            }
            let known = ids.clone();
            race(driver, move |driver, number| {
                let id = known.get(usize::try_from(number - 1).unwrap()).unwrap().clone();
                async move {
                    driver.usage().used(&id, NOON);
                    driver.write().await;
                    driver.usage().used(&id, NOON + Duration::DAY);
                }
            })
            .await;
            for id in &ids {
                assert_of(told(&**driver, id).await, NOON + Duration::DAY);
            }
        }
    }
}
