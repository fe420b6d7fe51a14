//! Callers at one moment: whatever is good once is good once.

use std::sync::Arc;

use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{IssuedState, StateDigest, VerifiedClaim};

use super::{claim, issued, organization, pending, ticket};
use crate::fixtures::account_id;
use crate::race::{ROUNDS, TASKS, count, race};

/// A state that only this round has.
fn issued_in(round: u64) -> IssuedState {
    IssuedState { digest: ticket(&format!("state of round {round}")), ..issued() }
}

async fn issue(states: &dyn StateStore, round: u64) -> StateDigest {
    let state = issued_in(round);
    let digest = state.digest;
    assert_eq!(states.put(state).await.unwrap(), PutOutcome::Stored);
    digest
}

async fn issue_with_an_open_question(states: &dyn StateStore, round: u64) -> StateDigest {
    let digest = issue(states, round).await;
    assert!(states.save_pending(&digest, pending("ticket")).await.unwrap());
    digest
}

/// A digest that is live for one organization is in use for the others (I3).
pub async fn of_organizations_that_race_for_one_digest_one_gets_it(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let outcomes = race(states, |states, number| {
            let organization = organization(&format!("org_{number}"));
            let state = IssuedState { organization, ..issued_in(round) };
            async move { states.put(state).await.unwrap() }
        })
        .await;
        assert_eq!((count(&outcomes, &PutOutcome::Stored), count(&outcomes, &PutOutcome::InUse)), (1, 15));
        let owner = outcomes.iter().position(|outcome| *outcome == PutOutcome::Stored).unwrap() + 1;
        let state = states.find_by_digest(&issued_in(round).digest).await.unwrap().unwrap();
        assert_eq!(state.organization, organization(&format!("org_{owner}")));
    }
}

/// The first tie wins, and the tie that is stored is the one that was told so (L-11, L-18).
pub async fn of_installations_that_race_for_one_state_one_is_tied(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let digest = issue(&**states, round).await;
        let outcomes = race(states, |states, number| async move {
            states.confirm_claim(&digest, None, claim(number)).await.unwrap()
        })
        .await;
        assert_eq!(count(&outcomes, &ConfirmOutcome::TiedToOther), 15);
        let winner = outcomes.iter().position(|outcome| *outcome == ConfirmOutcome::Tied).unwrap();
        let tied = states.find_by_digest(&digest).await.unwrap().unwrap().claim;
        assert_eq!(tied, Some(claim(u64::try_from(winner).unwrap() + 1)));
    }
}

/// The same installation at once, by visitors who showed different things: one tie and fifteen repetitions, and what is
/// kept is all of what was told that it was tied (I2).
pub async fn twins_that_race_are_told_of_one_tie(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let digest = issue(&**states, round).await;
        let tie_by = |number| VerifiedClaim {
            visitor: account_id(number),
            account: account_id(100 + number),
            ..claim(1)
        };
        let outcomes = race(states, |states, number| async move {
            states.confirm_claim(&digest, None, tie_by(number)).await.unwrap()
        })
        .await;
        assert_eq!(
            (count(&outcomes, &ConfirmOutcome::Tied), count(&outcomes, &ConfirmOutcome::AlreadyTied)),
            (1, 15)
        );
        let winner = outcomes.iter().position(|outcome| *outcome == ConfirmOutcome::Tied).unwrap();
        let tied = states.find_by_digest(&digest).await.unwrap().unwrap().claim;
        assert_eq!(tied, Some(tie_by(u64::try_from(winner).unwrap() + 1)));
    }
}

/// A repeated put that read "untouched" must not wipe what was tied since (L-18).
pub async fn a_put_that_races_a_tie_does_not_wipe_it(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let digest = issue(&**states, round).await;
        let outcomes = race(states, |states, number| async move {
            if number == TASKS / 2 {
                states.confirm_claim(&digest, None, claim(1)).await.unwrap() == ConfirmOutcome::Tied
            } else {
                states.put(issued_in(round)).await.unwrap() == PutOutcome::Stored
            }
        })
        .await;
        assert!(*outcomes.get(7).unwrap(), "there was nothing that could have been in its way");
        let state = states.find_by_digest(&digest).await.unwrap().unwrap();
        assert_eq!(state, IssuedState { claim: Some(claim(1)), ..issued_in(round) });
    }
}

/// A double click, or a stolen ticket: it ties once (L-17, L-18).
pub async fn a_ticket_that_is_shown_many_times_at_once_is_good_once(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let digest = issue_with_an_open_question(&**states, round).await;
        let outcomes = race(states, |states, _| async move {
            states.confirm_claim(&digest, Some(&ticket("ticket")), claim(1)).await.unwrap()
        })
        .await;
        assert_eq!(
            (count(&outcomes, &ConfirmOutcome::Tied), count(&outcomes, &ConfirmOutcome::Unknown)),
            (1, 15)
        );
    }
}

/// Confirm and Cancel at once: one of them is what happened.
pub async fn confirm_and_cancel_with_one_ticket_cannot_both_win(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let digest = issue_with_an_open_question(&**states, round).await;
        let outcomes = race(states, |states, number| async move {
            let shown = ticket("ticket");
            if number % 2 == 0 {
                states.revoke(&digest, Some(&shown)).await.unwrap()
            } else {
                states.confirm_claim(&digest, Some(&shown), claim(1)).await.unwrap() == ConfirmOutcome::Tied
            }
        })
        .await;
        assert_eq!(count(&outcomes, &true), 1);
        let confirmed = outcomes.iter().step_by(2).any(|won| *won);
        assert_eq!(states.find_by_digest(&digest).await.unwrap().is_some(), confirmed);
    }
}

/// Of callers that use a state up at once, one is told that it did.
pub async fn a_state_that_is_discarded_many_times_at_once_is_discarded_once(states: &Arc<dyn StateStore>) {
    for round in ROUNDS {
        let digest = issue(&**states, round).await;
        let outcomes =
            race(states, |states, _| async move { states.revoke(&digest, None).await.unwrap() }).await;
        assert_eq!((count(&outcomes, &true), outcomes.len() as u64), (1, TASKS));
    }
}
