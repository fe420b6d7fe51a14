//! Calls that are dropped halfway have their whole effect or none, and keep nothing.

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{CodeFate, IssuedState, StateDigest};

use super::{answered, claim, issued, pending, ticket};
use crate::dropped::{POLLS, dropped_after, soon};
use crate::runner::cases;

/// Enough dropped calls to use up a pool, should each keep a connection.
const ROUNDS: std::ops::RangeInclusive<u64> = 1..=4;

/// The numbers of a round and of polls, each pair with a state of its own.
fn states_to_drop() -> impl Iterator<Item = (usize, IssuedState)> {
    ROUNDS.flat_map(|round| {
        POLLS.map(move |polls| {
            let digest = ticket(&format!("state {round} {polls}"));
            (polls, IssuedState { digest, ..issued() })
        })
    })
}

async fn stored(states: &dyn StateStore, digest: &StateDigest) -> IssuedState {
    soon(states.find_by_digest(digest)).await.unwrap().unwrap()
}

cases!(
    use __state_store_dropped as list;

    /// After a dropped put the same put succeeds and stores the whole state (I6).
    pub async fn dropped_put_can_be_repeated(states: &dyn StateStore) {
        for (polls, state) in states_to_drop() {
            dropped_after(polls, states.put(state.clone())).await;
            let found = soon(states.find_by_digest(&state.digest)).await.unwrap();
            assert!(found.is_none() || found.as_ref() == Some(&state), "half a state: {found:?}");
            assert_eq!(soon(states.put(state.clone())).await.unwrap(), PutOutcome::Stored);
            assert_eq!(stored(states, &state.digest).await, state);
        }
    }

    /// A dropped confirmation tied the state and used its ticket, or did neither (I6, L-17).
    pub async fn dropped_confirmation_is_whole(states: &dyn StateStore) {
        for (polls, state) in states_to_drop() {
            let digest = state.digest;
            soon(states.put(state.clone())).await.unwrap();
            assert!(soon(states.save_pending(&digest, pending("ticket"))).await.unwrap());
            dropped_after(polls, states.confirm_claim(&digest, Some(ticket("ticket")), claim(1))).await;
            let again = soon(states.confirm_claim(&digest, Some(ticket("ticket")), claim(1))).await.unwrap();
            assert!(matches!(again, ConfirmOutcome::Tied | ConfirmOutcome::Unknown), "{again:?}");
            let whole = IssuedState { claim: Some(claim(1)), answered: answered("ticket", true), ..state };
            assert_eq!(stored(states, &digest).await, whole);
        }
    }

    /// A dropped revocation revoked the state and answered its ticket, or did neither (I6).
    pub async fn dropped_revocation_is_whole(states: &dyn StateStore) {
        for (polls, state) in states_to_drop() {
            let digest = state.digest;
            soon(states.put(state.clone())).await.unwrap();
            assert!(soon(states.save_pending(&digest, pending("ticket"))).await.unwrap());
            dropped_after(polls, states.revoke(&digest, Some(ticket("ticket")))).await;
            soon(states.revoke(&digest, Some(ticket("ticket")))).await.unwrap();
            let whole = IssuedState { revoked: true, answered: answered("ticket", false), ..state };
            assert_eq!(stored(states, &digest).await, whole);
        }
    }

    /// A dropped reservation of a code stored the code, or did nothing: the next one tells which (L-75).
    pub async fn dropped_reservation_is_whole(states: &dyn StateStore) {
        for (polls, state) in states_to_drop() {
            let (digest, code) = (state.digest, ticket("code"));
            soon(states.put(state)).await.unwrap();
            dropped_after(polls, states.reserve_code(&digest, &code)).await;
            let again = soon(states.reserve_code(&digest, &code)).await.unwrap();
            let whole = [ReserveOutcome::Reserved, ReserveOutcome::Known(CodeFate::Sent)];
            assert!(whole.contains(&again), "{again:?}");
            dropped_after(polls, states.settle_code(&digest, &code, CodeFate::Used)).await;
            soon(states.settle_code(&digest, &code, CodeFate::Used)).await.unwrap();
            let settled = soon(states.reserve_code(&digest, &code)).await.unwrap();
            assert_eq!(settled, ReserveOutcome::Known(CodeFate::Used));
        }
    }
);
