//! `MemoryStateStore` deletes states a day after their expiry.

#![expect(clippy::unwrap_used, reason = "memory does not fail")]

use dockline::IssuedState;
use dockline::ports::StateStore;
use dockline_memory::MemoryStateStore;
use dockline_testkit::fixtures::{NOON, digest, state_of};
use dockline_testkit::runner::block_on;
use time::{Duration, OffsetDateTime};

const A_DAY_AND_A_SECOND: Duration = Duration::seconds(86_401);

fn issued_at(time: OffsetDateTime) -> IssuedState {
    state_of("org_acme", digest("state"), time)
}

/// Returns a state with another digest, whose issue time is the store's current time.
fn another_at(time: OffsetDateTime) -> IssuedState {
    state_of("org_acme", digest(&time.to_string()), time)
}

fn stored(states: &MemoryStateStore) -> Option<IssuedState> {
    block_on(states.find_by_digest(&digest("state"))).unwrap()
}

#[test]
fn a_state_that_expired_more_than_a_day_ago_is_deleted_by_the_next_put() {
    let states = MemoryStateStore::new();
    block_on(states.put(issued_at(NOON))).unwrap();
    let expiry = issued_at(NOON).expires_at;
    block_on(states.put(another_at(expiry + A_DAY_AND_A_SECOND))).unwrap();
    assert_eq!(stored(&states), None);
}

#[test]
fn a_replaced_state_is_deleted_by_its_new_expiry() {
    let states = MemoryStateStore::new();
    let (first, renewed) = (issued_at(NOON), issued_at(NOON + Duration::minutes(10)));
    block_on(states.put(first.clone())).unwrap();
    block_on(states.put(renewed.clone())).unwrap();
    block_on(states.put(another_at(first.expires_at + A_DAY_AND_A_SECOND))).unwrap();
    assert_eq!(stored(&states), Some(renewed.clone()));
    block_on(states.put(another_at(renewed.expires_at + A_DAY_AND_A_SECOND))).unwrap();
    assert_eq!(stored(&states), None);
}
