use dockline::IssuedState;
use dockline::ports::StateStore;

use crate::fixtures::{digest, issued, stored, visit};

pub(crate) async fn a_visit_is_kept_beside_the_state(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.hold(&digest(), visit("ticket")).await.unwrap());
    assert_eq!(stored(states).await, Some(IssuedState { visit: Some(visit("ticket")), ..issued() }));
}

pub(crate) async fn a_later_visit_takes_the_place_of_an_earlier_one(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.hold(&digest(), visit("first")).await.unwrap();
    assert!(states.hold(&digest(), visit("second")).await.unwrap());
    assert_eq!(stored(states).await.unwrap().visit, Some(visit("second")));
}

pub(crate) async fn an_unknown_state_holds_no_visit(states: &dyn StateStore) {
    assert!(!states.hold(&digest(), visit("ticket")).await.unwrap());
    assert_eq!(stored(states).await, None);
}

pub(crate) async fn a_discarded_state_holds_no_visit(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.discard(&digest(), None).await.unwrap();
    assert!(!states.hold(&digest(), visit("ticket")).await.unwrap());
    assert_eq!(stored(states).await, None);
}
