//! Expired states: found, replaced, kept.

use dockline::IssuedState;
use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use time::{Duration, OffsetDateTime};

use super::{NOON, another_at, claim, digest, issued, issued_at, organization, pending, stored, ticket};

fn expiry() -> OffsetDateTime {
    issued().expires_at
}

/// Expiry is the core's to judge, by its clock (I27).
pub async fn an_expired_state_is_still_found(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(expiry() + Duration::HOUR)).await.unwrap();
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), Some(issued()));
    assert_eq!(stored(states).await, Some(issued()));
}

/// The core decides that a state is too old; the store does as it is told (I27).
pub async fn an_expired_state_is_still_worked_with(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(expiry() + Duration::HOUR)).await.unwrap();
    assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap());
    let shown = ticket("ticket");
    assert_eq!(states.confirm_claim(&digest(), Some(&shown), claim(1)).await.unwrap(), ConfirmOutcome::Tied);
    assert_eq!(stored(states).await, Some(IssuedState { claim: Some(claim(1)), ..issued() }));
    assert!(states.revoke(&digest(), None).await.unwrap());
    assert_eq!(stored(states).await, None);
}

/// At its expiry a state gives way to any organization, fresh, visited, tied or discarded, and the new row
/// starts clean.
pub async fn an_expired_row_is_replaced_whoever_and_whatever_it_was(states: &dyn StateStore) {
    let mut now = NOON;
    for (was, owner) in ["fresh", "visited", "tied", "discarded"].into_iter().zip(["a", "b", "c", "d"]) {
        let state = IssuedState { organization: organization(owner), ..issued_at(now) };
        assert_eq!(states.put(state.clone()).await.unwrap(), PutOutcome::Stored, "before {was}");
        assert_eq!(stored(states).await, Some(state));
        match was {
            "visited" => assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap()),
            "tied" => {
                assert_eq!(
                    states.confirm_claim(&digest(), None, claim(1)).await.unwrap(),
                    ConfirmOutcome::Tied
                )
            }
            "discarded" => assert!(states.revoke(&digest(), None).await.unwrap()),
            _ => {}
        }
        now += IssuedState::LIFETIME; // exactly at expiry it is worth nothing
    }
    assert_eq!(states.put(issued_at(now)).await.unwrap(), PutOutcome::Stored, "after discarded");
    assert_eq!(stored(states).await, Some(issued_at(now)));
}

/// The edge: a microsecond before its expiry it is in use, at its expiry not.
pub async fn a_row_is_live_until_just_before_it_expires(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.revoke(&digest(), None).await.unwrap();
    let before = issued_at(expiry() - Duration::MICROSECOND);
    assert_eq!(states.put(before).await.unwrap(), PutOutcome::InUse);
    assert_eq!(states.put(issued_at(expiry())).await.unwrap(), PutOutcome::Stored);
}

/// A SHOULD of the contract: expired rows are kept for a day.
pub async fn a_row_is_kept_for_a_whole_day_after_it_expired(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(expiry() + Duration::DAY)).await.unwrap();
    assert_eq!(stored(states).await, Some(issued()));
}

/// Clock skew moves only decisions about expiry (I27).
pub async fn a_clock_that_goes_back_forgets_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.put(another_at(NOON - Duration::WEEK)).await.unwrap();
    assert_eq!(stored(states).await, Some(issued()));
}
