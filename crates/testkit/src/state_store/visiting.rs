//! Open questions beside a state.

use dockline::ports::StateStore;
use dockline::{
    AccountId, InstallationId, IssuedState, PendingConfirmation, Proof, SetupAction, VerifiedClaim,
};

use super::{digest, issued, stored, tie, visit};
use crate::fixtures::account_id;

/// An open question changes nothing else.
pub async fn a_visit_is_kept_beside_the_state(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.save_pending(&digest(), visit("ticket")).await.unwrap());
    assert_eq!(stored(states).await, Some(IssuedState { visit: Some(visit("ticket")), ..issued() }));
}

/// Whatever a visitor did, and whatever was shown: nothing is flattened (L-08, L-62, L-63).
pub async fn every_field_of_a_visit_comes_back(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let proofs = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];
    let actions = [SetupAction::Install, SetupAction::Update, SetupAction::Request];
    for (proof, setup_action) in proofs.into_iter().zip(actions.into_iter().cycle()) {
        let large = VerifiedClaim { proof, account: account_id(AccountId::MAX), ..tie(InstallationId::MAX) };
        let visit = PendingConfirmation { setup_action, tie: large, ..visit(proof.as_str()) };
        assert!(states.save_pending(&digest(), visit).await.unwrap());
        assert_eq!(stored(states).await.unwrap().visit, Some(visit));
    }
}

/// A visitor may be asked again after the tie; the tie stands (L-18).
pub async fn a_tied_state_holds_a_visit_and_keeps_its_tie(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.confirm_claim(&digest(), None, tie(1)).await.unwrap();
    assert!(states.save_pending(&digest(), visit("ticket")).await.unwrap());
    let both = IssuedState { tie: Some(tie(1)), visit: Some(visit("ticket")), ..issued() };
    assert_eq!(stored(states).await, Some(both));
}

/// One open question at a time.
pub async fn a_later_visit_takes_the_place_of_an_earlier_one(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), visit("first")).await.unwrap();
    assert!(states.save_pending(&digest(), visit("second")).await.unwrap());
    assert_eq!(stored(states).await.unwrap().visit, Some(visit("second")));
}

/// Holding makes no state (L-15).
pub async fn an_unknown_state_holds_no_visit(states: &dyn StateStore) {
    assert!(!states.save_pending(&digest(), visit("ticket")).await.unwrap());
    assert_eq!(stored(states).await, None);
}

/// A used-up state is as good as unknown.
pub async fn a_discarded_state_holds_no_visit(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.revoke(&digest(), None).await.unwrap();
    assert!(!states.save_pending(&digest(), visit("ticket")).await.unwrap());
    assert_eq!(stored(states).await, None);
}
