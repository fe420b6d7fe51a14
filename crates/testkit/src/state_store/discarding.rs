//! States that are used up.

use dockline::IssuedState;
use dockline::ports::{PutOutcome, StateStore};

use super::{claim, digest, issued, organization, pending, stored, ticket};

/// Nobody finds what was used up.
pub async fn a_discarded_state_is_unknown_to_everybody(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.revoke(&digest(), None).await.unwrap());
    assert_eq!(states.find(&organization("org_acme"), &digest()).await.unwrap(), None);
    assert_eq!(states.find_by_digest(&digest()).await.unwrap(), None);
}

/// The second call learns that there is none.
pub async fn a_state_is_discarded_once(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.revoke(&digest(), None).await.unwrap());
    assert!(!states.revoke(&digest(), None).await.unwrap());
}

/// There is nothing to use up.
pub async fn an_unknown_state_cannot_be_discarded(states: &dyn StateStore) {
    assert!(!states.revoke(&digest(), None).await.unwrap());
}

/// A tie does not protect from being used up.
pub async fn a_tied_state_can_be_discarded(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
    assert!(states.revoke(&digest(), None).await.unwrap());
    assert_eq!(stored(states).await, None);
    assert_eq!(states.put(issued()).await.unwrap(), PutOutcome::InUse);
}

/// Cancel, by the visitor who was asked.
pub async fn the_ticket_of_the_open_question_discards(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    assert!(states.revoke(&digest(), Some(&ticket("ticket"))).await.unwrap());
    assert_eq!(stored(states).await, None);
}

/// Cancel by anybody else changes nothing (L-19).
pub async fn another_ticket_discards_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("right")).await.unwrap();
    assert!(!states.revoke(&digest(), Some(&ticket("wrong"))).await.unwrap());
    assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("right")), ..issued() }));
}

/// No question, no ticket (L-16).
pub async fn a_ticket_without_a_question_discards_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(!states.revoke(&digest(), Some(&ticket("ticket"))).await.unwrap());
    assert_eq!(stored(states).await, Some(issued()));
}
