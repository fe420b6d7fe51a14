use dockline::IssuedState;
use dockline::ports::{Put, StateStore};
use time::Duration;

use crate::fixtures::{NOON, digest, issued, issued_at, organization, stored, tie, visit};

pub(crate) async fn a_stored_state_is_found_by_its_organization_and_by_its_digest(states: &dyn StateStore) {
    assert_eq!(states.put(issued()).await.unwrap(), Put::Stored);
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), Some(issued()));
    assert_eq!(states.find_by_digest(&digest()).await.unwrap(), Some(issued()));
}

pub(crate) async fn an_unknown_digest_is_found_by_nobody(states: &dyn StateStore) {
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
    assert_eq!(states.find_by_digest(&digest()).await.unwrap(), None);
}

// I3, L-21
pub(crate) async fn another_organizations_state_is_none(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert_eq!(states.find(&organization("org_other"), &digest()).await.unwrap(), None);
}

pub(crate) async fn a_repeated_put_replaces_a_state_that_nobody_touched(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let again = issued_at(NOON + Duration::minutes(1));
    assert_eq!(states.put(again.clone()).await.unwrap(), Put::Stored);
    assert_eq!(stored(states).await, Some(again));
}

pub(crate) async fn a_live_digest_of_another_organization_is_in_use(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let other = IssuedState { organization: organization("org_other"), ..issued() };
    assert_eq!(states.put(other).await.unwrap(), Put::InUse);
    assert_eq!(stored(states).await, Some(issued()));
}

pub(crate) async fn a_visited_state_is_in_use(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.hold(&digest(), visit("ticket")).await.unwrap();
    assert_eq!(states.put(issued()).await.unwrap(), Put::InUse);
    assert_eq!(stored(states).await, Some(IssuedState { visit: Some(visit("ticket")), ..issued() }));
}

pub(crate) async fn a_tied_state_is_in_use(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.vouch(&digest(), None, tie(1)).await.unwrap();
    assert_eq!(states.put(issued()).await.unwrap(), Put::InUse);
    assert_eq!(stored(states).await, Some(IssuedState { tie: Some(tie(1)), ..issued() }));
}

pub(crate) async fn a_discarded_state_is_in_use_also_for_its_own_organization(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.discard(&digest(), None).await.unwrap();
    assert_eq!(states.put(issued()).await.unwrap(), Put::InUse);
    assert_eq!(stored(states).await, None);
}
