use dockline::IssuedState;
use dockline::ports::{Put, StateStore, Vouched};
use time::{Duration, OffsetDateTime};

use crate::fixtures::{NOON, another_at, digest, issued, issued_at, organization, stored, tie, visit};

fn expiry() -> OffsetDateTime {
    issued().expires_at
}

// Expiry is the core's to judge.
pub(crate) async fn an_expired_state_is_still_found(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(expiry() + Duration::HOUR)).await.unwrap();
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), Some(issued()));
    assert_eq!(stored(states).await, Some(issued()));
}

pub(crate) async fn an_expired_row_is_replaced_whoever_and_whatever_it_was(states: &dyn StateStore) {
    let mut now = NOON;
    for (was, owner) in ["fresh", "visited", "tied", "discarded"].into_iter().zip(["a", "b", "c", "d"]) {
        let state = IssuedState { organization: organization(owner), ..issued_at(now) };
        assert_eq!(states.put(state.clone()).await.unwrap(), Put::Stored, "before {was}");
        assert_eq!(stored(states).await, Some(state));
        match was {
            "visited" => assert!(states.hold(&digest(), visit("ticket")).await.unwrap()),
            "tied" => assert_eq!(states.vouch(&digest(), None, tie(1)).await.unwrap(), Vouched::Tied),
            "discarded" => assert!(states.discard(&digest(), None).await.unwrap()),
            _ => {}
        }
        now += IssuedState::LIFETIME; // exactly at expiry it is worth nothing
    }
    assert_eq!(states.put(issued_at(now)).await.unwrap(), Put::Stored, "after discarded");
    assert_eq!(stored(states).await, Some(issued_at(now)));
}

pub(crate) async fn a_row_is_live_until_just_before_it_expires(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.discard(&digest(), None).await.unwrap();
    let before = issued_at(expiry() - Duration::MICROSECOND);
    assert_eq!(states.put(before).await.unwrap(), Put::InUse);
    assert_eq!(states.put(issued_at(expiry())).await.unwrap(), Put::Stored);
}

pub(crate) async fn a_row_is_kept_for_a_whole_day_after_it_expired(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(expiry() + Duration::DAY)).await.unwrap();
    assert_eq!(stored(states).await, Some(issued()));
}

pub(crate) async fn a_row_that_expired_more_than_a_day_ago_is_forgotten_by_the_next_put(
    states: &dyn StateStore,
) {
    states.put(issued()).await.unwrap();
    states.put(another_at(expiry() + Duration::DAY + Duration::SECOND)).await.unwrap();
    assert_eq!(stored(states).await, None);
}

pub(crate) async fn a_replaced_row_is_forgotten_by_its_new_expiry(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let renewed = issued_at(NOON + Duration::minutes(10));
    states.put(renewed.clone()).await.unwrap();
    states.put(another_at(expiry() + Duration::DAY + Duration::SECOND)).await.unwrap();
    assert_eq!(stored(states).await, Some(renewed.clone()));
    states.put(another_at(renewed.expires_at + Duration::DAY + Duration::SECOND)).await.unwrap();
    assert_eq!(stored(states).await, None);
}

// I27
pub(crate) async fn a_clock_that_goes_back_forgets_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(NOON - Duration::WEEK)).await.unwrap();
    assert_eq!(stored(states).await, Some(issued()));
}
