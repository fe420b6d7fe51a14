//! Ties, and tickets that make them.

use dockline::ports::{ConfirmOutcome, StateStore};
use dockline::{IssuedState, Proof, VerifiedClaim};

use super::{claim, digest, issued, pending, stored, ticket};

/// Tie and question change in one step.
pub async fn a_state_is_tied_and_its_question_forgotten(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    assert_eq!(states.confirm_claim(&digest(), None, claim(1)).await.unwrap(), ConfirmOutcome::Tied);
    assert_eq!(stored(states).await, Some(IssuedState { claim: Some(claim(1)), ..issued() }));
}

/// The same tie again is fine and changes nothing, not even the proof.
pub async fn the_first_tie_to_an_installation_stands(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
    let later = VerifiedClaim { proof: Proof::Visible, ..claim(1) };
    assert_eq!(states.confirm_claim(&digest(), None, later).await.unwrap(), ConfirmOutcome::AlreadyTied);
    assert_eq!(stored(states).await.unwrap().claim, Some(claim(1)));
}

/// One state, one installation (L-11, L-18).
pub async fn a_state_that_is_tied_to_another_installation_does_not_change(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.confirm_claim(&digest(), None, claim(1)).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    let before = stored(states).await;
    for shown in [None, Some(&ticket("ticket"))] {
        assert_eq!(
            states.confirm_claim(&digest(), shown, claim(2)).await.unwrap(),
            ConfirmOutcome::TiedToOther
        );
        assert_eq!(stored(states).await, before);
    }
}

/// Vouching makes no state (L-15).
pub async fn an_unknown_state_cannot_be_tied(states: &dyn StateStore) {
    assert_eq!(states.confirm_claim(&digest(), None, claim(1)).await.unwrap(), ConfirmOutcome::Unknown);
    assert_eq!(stored(states).await, None);
}

/// A used-up state is as good as unknown, whatever ticket is shown.
pub async fn a_discarded_state_cannot_be_tied(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    states.revoke(&digest(), None).await.unwrap();
    for shown in [None, Some(&ticket("ticket"))] {
        assert_eq!(states.confirm_claim(&digest(), shown, claim(1)).await.unwrap(), ConfirmOutcome::Unknown);
    }
}

/// The ticket of the question that is open is the right one (L-67).
pub async fn the_ticket_of_the_open_question_ties(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    assert_eq!(
        states.confirm_claim(&digest(), Some(&ticket("ticket")), claim(1)).await.unwrap(),
        ConfirmOutcome::Tied
    );
    assert_eq!(stored(states).await, Some(IssuedState { claim: Some(claim(1)), ..issued() }));
}

/// Whoever shows a wrong ticket does not burn the right one (L-19).
pub async fn another_ticket_changes_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("right")).await.unwrap();
    assert_eq!(
        states.confirm_claim(&digest(), Some(&ticket("wrong")), claim(1)).await.unwrap(),
        ConfirmOutcome::Unknown
    );
    assert_eq!(stored(states).await, Some(IssuedState { pending: Some(pending("right")), ..issued() }));
    assert_eq!(
        states.confirm_claim(&digest(), Some(&ticket("right")), claim(1)).await.unwrap(),
        ConfirmOutcome::Tied
    );
}

/// No question, no ticket (L-16).
pub async fn a_ticket_without_a_question_changes_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    assert_eq!(
        states.confirm_claim(&digest(), Some(&ticket("ticket")), claim(1)).await.unwrap(),
        ConfirmOutcome::Unknown
    );
    assert_eq!(stored(states).await, Some(issued()));
}

/// A ticket is used up by its tie, also where the tie was there before (L-17).
pub async fn a_ticket_is_good_once(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("ticket")).await.unwrap();
    let shown = ticket("ticket");
    assert_eq!(states.confirm_claim(&digest(), Some(&shown), claim(1)).await.unwrap(), ConfirmOutcome::Tied);
    for installation in [1, 2] {
        let again = states.confirm_claim(&digest(), Some(&shown), claim(installation)).await.unwrap();
        assert_eq!(again, ConfirmOutcome::Unknown);
    }
    // Also the ticket of a question that was asked once more, about the same installation.
    states.save_pending(&digest(), pending("next")).await.unwrap();
    let next = ticket("next");
    assert_eq!(
        states.confirm_claim(&digest(), Some(&next), claim(1)).await.unwrap(),
        ConfirmOutcome::AlreadyTied
    );
    assert_eq!(
        states.confirm_claim(&digest(), Some(&next), claim(1)).await.unwrap(),
        ConfirmOutcome::Unknown
    );
}

/// Only the last question counts.
pub async fn the_ticket_of_an_earlier_question_is_worth_nothing(states: &dyn StateStore) {
    states.put(issued()).await.unwrap();
    states.save_pending(&digest(), pending("first")).await.unwrap();
    states.save_pending(&digest(), pending("second")).await.unwrap();
    assert_eq!(
        states.confirm_claim(&digest(), Some(&ticket("first")), claim(1)).await.unwrap(),
        ConfirmOutcome::Unknown
    );
    assert_eq!(stored(states).await.unwrap().claim, None);
}
