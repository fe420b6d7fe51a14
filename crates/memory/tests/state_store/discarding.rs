use dockline::IssuedState;
use dockline::ports::StateStore;

use crate::fixtures::{digest, issued, organization, stored, ticket, visit};

pub(crate) async fn a_discarded_state_is_unknown_to_everybody(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.discard(&digest(), None).await.unwrap());
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
    assert_eq!(states.find_by_digest(&digest()).await.unwrap(), None);
}

pub(crate) async fn a_state_is_discarded_once(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.discard(&digest(), None).await.unwrap());
    assert!(!states.discard(&digest(), None).await.unwrap());
}

pub(crate) async fn an_unknown_state_cannot_be_discarded(states: &dyn StateStore) {
    assert!(!states.discard(&digest(), None).await.unwrap());
}

pub(crate) async fn the_ticket_of_the_open_question_discards(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.hold(&digest(), visit("ticket")).await.unwrap();
    assert!(states.discard(&digest(), Some(&ticket("ticket"))).await.unwrap());
    assert_eq!(stored(states).await, None);
}

// L-19
pub(crate) async fn another_ticket_discards_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.hold(&digest(), visit("right")).await.unwrap();
    assert!(!states.discard(&digest(), Some(&ticket("wrong"))).await.unwrap());
    assert_eq!(stored(states).await, Some(IssuedState { visit: Some(visit("right")), ..issued() }));
}

pub(crate) async fn a_ticket_without_a_question_discards_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(!states.discard(&digest(), Some(&ticket("ticket"))).await.unwrap());
    assert_eq!(stored(states).await, Some(issued()));
}
