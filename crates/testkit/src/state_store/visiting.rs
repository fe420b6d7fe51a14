//! Open questions beside a state.

use dockline::ports::StateStore;
use dockline::{
    AccountId, InstallationId, IssuedState, PendingConfirmation, Proof, SetupAction, VerifiedClaim,
};

use super::{claim, digest, issued, pending, stored};
use crate::fixtures::account_id;

/// An open question changes nothing else.
pub async fn a_visit_is_kept_beside_the_state(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap());
    assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("ticket")), ..issued() }));
}

/// Whatever a visitor did, and whatever was shown: nothing is flattened (L-08, L-62, L-63).
pub async fn every_field_of_a_visit_comes_back(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    let proofs = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];
    let actions = [SetupAction::Install, SetupAction::Update, SetupAction::Request];
    for (proof, setup_action) in proofs.into_iter().zip(actions.into_iter().cycle()) {
        let large =
            VerifiedClaim { proof, account: account_id(AccountId::MAX), ..claim(InstallationId::MAX) };
        let pending = PendingConfirmation { setup_action, claim: large, ..pending(proof.as_str()) };
        assert!(states.save_pending(&digest(), pending).await.unwrap());
        assert_eq!(stored(states).await.unwrap().pending, Some(pending));
    }
}

/// A visitor may be asked again after the tie; the tie stands (L-18).
pub async fn a_tied_state_holds_a_visit_and_keeps_its_tie(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
    assert!(states.save_pending(&digest(), pending("ticket")).await.unwrap());
    let both = IssuedState { claim: Some(claim(1)), pending: Some(pending("ticket")), ..issued() };
    assert_eq!(stored(states).await, Some(both));
}

/// One open question at a time.
pub async fn a_later_visit_takes_the_place_of_an_earlier_one(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("first")).await.unwrap();
    assert!(states.save_pending(&digest(), pending("second")).await.unwrap());
    assert_eq!(stored(states).await.unwrap().pending, Some(pending("second")));
}

/// Holding makes no state (L-15).
pub async fn an_unknown_state_holds_no_visit(states: &dyn StateStore) {
    assert!(!states.save_pending(&digest(), pending("ticket")).await.unwrap());
    assert_eq!(stored(states).await, None);
}

/// A used-up state is as good as unknown.
pub async fn a_discarded_state_holds_no_visit(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.revoke(&digest(), None).await.unwrap();
    assert!(!states.save_pending(&digest(), pending("ticket")).await.unwrap());
    assert_eq!(stored(states).await, None);
}
