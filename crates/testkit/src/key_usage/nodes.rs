//! Two nodes that record uses of the same keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;
use time::Duration;

use super::KeyUsageDriver;
use super::cases::{assert_within_the_hour, last_used, stored_key};
use crate::fixtures::NOON;
use crate::race::{ROUNDS, TASKS, race};
use crate::random::{SeedOnFailure, seeds};
use crate::runner::cases;

cases!(
    use __key_usage_nodes as list;

    /// Of uses at two nodes the later one counts, whichever node writes first: an earlier use that is written late, as by a node
    /// that was disconnected for a day, does not move the time back (I27).
    pub async fn later_use_counts_whichever_node_writes_first(driver: &dyn KeyUsageDriver) {
        let nodes = [driver.usage(), driver.other_node()];
        for (seed, [late, early]) in (1..).zip([nodes, [nodes[1], nodes[0]]]) {
            let id = stored_key(driver, seed).await;
            late.used(&id, NOON);
            early.used(&id, NOON + Duration::DAY);
            assert_within_the_hour(last_used(driver, &id).await, NOON + Duration::DAY);
        }
    }

    /// A use counts also if this node wrote an earlier use and another node wrote one in between.
    pub async fn nodes_take_turns(driver: &dyn KeyUsageDriver) {
        let id = stored_key(driver, 1).await;
        for hours in (0..24).step_by(4) {
            for (node, at) in [(driver.usage(), hours), (driver.other_node(), hours + 2)] {
                let at = NOON + Duration::hours(at);
                node.used(&id, at);
                assert_within_the_hour(last_used(driver, &id).await, at);
            }
        }
    }

    /// The time stays within the hour for random uses and flushes at two nodes by a clock that sometimes goes back.
    pub async fn random_uses_stay_within_the_hour(driver: &dyn KeyUsageDriver) {
        for seed in seeds() {
            let _seed = SeedOnFailure(seed);
            let mut random = Rng::with_seed(seed);
            let mut ids = Vec::new();
            for number in 0..4 {
                ids.push(stored_key(driver, 1_000 + seed * 4 + number).await);
            }
            let mut now = NOON;
            let mut latest = BTreeMap::new();
            for _ in 0..60 {
                now += match random.u32(..10) {
                    0 => Duration::hours(random.i64(0..50)),
                    1 => -Duration::minutes(random.i64(0..300)),
                    _ => Duration::seconds(random.i64(0..1_200)),
                };
                let number = random.usize(..4);
                let node = if random.bool() { driver.usage() } else { driver.other_node() };
                node.used(ids.get(number).unwrap(), now);
                let known = latest.entry(number).or_insert(now);
                *known = now.max(*known);
                if random.u32(..8) == 0 {
                    driver.flush().await;
                }
            }
            for (number, id) in ids.iter().enumerate() {
                match latest.get(&number) {
                    Some(latest) => assert_within_the_hour(last_used(driver, id).await, *latest),
                    None => assert_eq!(last_used(driver, id).await, None),
                }
            }
        }
    }

    /// Nodes that write uses of the same keys at once lose none, and no write fails.
    pub async fn racing_nodes_store_the_latest_use(driver: &Arc<dyn KeyUsageDriver>) {
        for round in ROUNDS {
            let mut ids = Vec::new();
            for number in 1..=8 {
                ids.push(stored_key(&**driver, round * 1_000 + number).await);
            }
            let known = ids.clone();
            race(driver, move |driver, number| {
                let mut ids = known.clone();
                async move {
                    let mut node = driver.usage();
                    if number.is_multiple_of(2) {
                        ids.reverse();
                        node = driver.other_node();
                    }
                    for id in &ids {
                        node.used(id, NOON + Duration::HOUR * i32::try_from(number).unwrap());
                    }
                    driver.flush().await;
                }
            })
            .await;
            let latest = NOON + Duration::HOUR * i32::try_from(TASKS).unwrap();
            for id in &ids {
                assert_within_the_hour(last_used(&**driver, id).await, latest);
            }
        }
    }
);
