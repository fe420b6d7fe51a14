//! Concurrent calls: each digest, claim and ticket is granted once.

use std::sync::Arc;

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{CodeFate, IssuedState, StateDigest, VerifiedClaim};

use super::{claim, issued, organization, pending, ticket};
use crate::fixtures::account_id;
use crate::race::{ROUNDS, TASKS, count, only, race};
use crate::runner::cases;

/// A state with a digest of its own in each round.
fn issued_in(round: u64) -> IssuedState {
    IssuedState { digest: ticket(&format!("state of round {round}")), ..issued() }
}

async fn put(states: &dyn StateStore, round: u64) -> StateDigest {
    let state = issued_in(round);
    let digest = state.digest;
    assert_eq!(states.put(state).await.unwrap(), PutOutcome::Stored);
    digest
}

async fn put_pending(states: &dyn StateStore, round: u64) -> StateDigest {
    let digest = put(states, round).await;
    assert!(states.save_pending(&digest, pending("ticket")).await.unwrap());
    digest
}

async fn stored(states: &dyn StateStore, digest: &StateDigest) -> Option<IssuedState> {
    states.find_by_digest(digest).await.unwrap()
}

cases!(
    use __state_store_races as list;

    /// Of organizations that put the same digest at once, exactly one stores it (I3).
    pub async fn racing_organizations_store_a_digest_once(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let outcomes = race(states, |states, number| {
                let organization = organization(&format!("org_{number}"));
                let state = IssuedState { organization, ..issued_in(round) };
                async move { states.put(state).await.unwrap() }
            })
            .await;
            let owner = only(&outcomes, &PutOutcome::Stored);
            let state = stored(&**states, &issued_in(round).digest).await.unwrap();
            assert_eq!(state.organization, organization(&format!("org_{owner}")));
        }
    }

    /// Of claims to different installations at once, exactly one is confirmed, and that one is stored (L-11, L-18).
    pub async fn racing_claims_to_different_installations_confirm_one(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let outcomes = race(states, |states, number| async move {
                states.confirm_claim(&digest, None, claim(number)).await.unwrap()
            })
            .await;
            let winner = only(&outcomes, &ConfirmOutcome::Tied);
            assert_eq!(count(&outcomes, &ConfirmOutcome::TiedToOther), TASKS - 1);
            assert_eq!(stored(&**states, &digest).await.unwrap().claim, Some(claim(winner)));
        }
    }

    /// Of claims to the same installation at once, exactly one is confirmed, and all of that one is stored (I2).
    pub async fn racing_claims_to_one_installation_confirm_one(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let claim_by = |number| VerifiedClaim {
                visitor: account_id(number),
                account: account_id(100 + number),
                ..claim(1)
            };
            let outcomes = race(states, |states, number| async move {
                states.confirm_claim(&digest, None, claim_by(number)).await.unwrap()
            })
            .await;
            let winner = only(&outcomes, &ConfirmOutcome::Tied);
            assert_eq!(count(&outcomes, &ConfirmOutcome::AlreadyTied), TASKS - 1);
            assert_eq!(stored(&**states, &digest).await.unwrap().claim, Some(claim_by(winner)));
        }
    }

    /// A repeated put that races a claim does not remove the claim (L-18).
    pub async fn racing_put_does_not_remove_a_claim(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let outcomes = race(states, |states, number| async move {
                if number == TASKS / 2 {
                    states.confirm_claim(&digest, None, claim(1)).await.unwrap() == ConfirmOutcome::Tied
                } else {
                    states.put(issued_in(round)).await.unwrap() == PutOutcome::Stored
                }
            })
            .await;
            assert!(
                *outcomes.get(7).unwrap(),
                "the claim must be confirmed, because nothing competes with it"
            );
            let expected = IssuedState { claim: Some(claim(1)), ..issued_in(round) };
            assert_eq!(stored(&**states, &digest).await, Some(expected));
        }
    }

    /// A ticket that is used many times at once, such as by a double click, confirms once (L-17, L-18).
    pub async fn racing_uses_of_a_ticket_confirm_once(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put_pending(&**states, round).await;
            let outcomes = race(states, |states, _| async move {
                states.confirm_claim(&digest, Some(ticket("ticket")), claim(1)).await.unwrap()
            })
            .await;
            only(&outcomes, &ConfirmOutcome::Tied);
            assert_eq!(count(&outcomes, &ConfirmOutcome::Unknown), TASKS - 1);
        }
    }

    /// Of Confirm and Cancel with the same ticket at once, exactly one takes effect.
    pub async fn racing_confirm_and_cancel_take_effect_once(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put_pending(&**states, round).await;
            let outcomes = race(states, |states, number| async move {
                let shown = ticket("ticket");
                if number % 2 == 0 {
                    states.revoke(&digest, Some(shown)).await.unwrap()
                } else {
                    states.confirm_claim(&digest, Some(shown), claim(1)).await.unwrap()
                        == ConfirmOutcome::Tied
                }
            })
            .await;
            let confirmed = only(&outcomes, &true) % 2 == 1;
            let state = stored(&**states, &digest).await.unwrap();
            assert_eq!((state.claim.is_some(), state.revoked), (confirmed, !confirmed));
            assert_eq!(state.answered.unwrap().confirmed, confirmed);
        }
    }

    /// Of a code that arrives many times at once, such as by a page and its preload, exactly one may be sent (L-75).
    pub async fn racing_uses_of_a_code_reserve_it_once(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let outcomes = race(states, |states, _| async move {
                states.reserve_code(&digest, &ticket("code")).await.unwrap()
            })
            .await;
            only(&outcomes, &ReserveOutcome::Reserved);
            assert_eq!(count(&outcomes, &ReserveOutcome::Known(CodeFate::Sent)), TASKS - 1);
        }
    }

    /// Of different codes at once, no more than the limit may be sent (L-71, I36).
    pub async fn racing_codes_stay_within_the_limit(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let outcomes = race(states, |states, number| async move {
                states.reserve_code(&digest, &ticket(&format!("code {number}"))).await.unwrap()
            })
            .await;
            let reserved = count(&outcomes, &ReserveOutcome::Reserved);
            assert_eq!(reserved, IssuedState::MOST_REFUSED_CODES as u64);
            only(&outcomes, &ReserveOutcome::Exhausted);
            assert!(stored(&**states, &digest).await.unwrap().revoked);
        }
    }

    /// Pending confirmations that are stored at once are all kept, up to the limit (L-77).
    pub async fn racing_pending_confirmations_are_all_kept(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let saved = race(states, |states, number| async move {
                let pending = pending(&format!("ticket {number}"));
                states.save_pending(&digest, pending).await.unwrap()
            })
            .await;
            assert_eq!(count(&saved, &true), TASKS);
            let state = stored(&**states, &digest).await.unwrap();
            assert_eq!(state.pending.len(), IssuedState::MOST_PENDING);
        }
    }

    /// Of revocations at once, exactly one returns `true`.
    pub async fn racing_revocations_succeed_once(states: &Arc<dyn StateStore>) {
        for round in ROUNDS {
            let digest = put(&**states, round).await;
            let outcomes =
                race(states, |states, _| async move { states.revoke(&digest, None).await.unwrap() }).await;
            only(&outcomes, &true);
        }
    }
);
