//! Stores that are right, one call at a time; and some that are not, met by the race clauses.

use std::collections::HashSet;
use std::sync::Mutex;

use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{IssuedState, SecretDigest, StateDigest, VerifiedClaim};
use dockline_testkit::state_store::races;
use tokio::task::yield_now;

use super::answers::{DiscardsNothing, OverwritesTheTie, RenewsTheTie};
use super::{Store, mutant};
use crate::bites;

mutant! {
    /// L-18: the ticket is checked by a preceding read.
    ChecksTheTicketFirst()

    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        let state = self.memory.find_by_digest(digest).await.unwrap();
        let asked = state.and_then(|state| state.pending).map(|pending| pending.ticket);
        if ticket.is_some() && ticket != asked.as_ref() {
            return ConfirmOutcome::Unknown;
        }
        yield_now().await;
        self.memory.confirm_claim(digest, None, claim).await.unwrap()
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<&SecretDigest>) -> bool {
        let state = self.memory.find_by_digest(digest).await.unwrap();
        let asked = state.and_then(|state| state.pending).map(|pending| pending.ticket);
        if ticket.is_some() && ticket != asked.as_ref() {
            return false;
        }
        yield_now().await;
        self.memory.revoke(digest, None).await.unwrap()
    }
}

mutant! {
    /// Whether the digest is free is found out by a preceding read.
    ChecksThenPuts()

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let free = self.memory.find_by_digest(&state.digest).await.unwrap().is_none();
        yield_now().await;
        let put = self.memory.put(state).await.unwrap();
        if free { PutOutcome::Stored } else { put }
    }
}

mutant! {
    /// Reads "untouched", then replaces, whatever was tied since.
    ReadsThenReplaces(replaced: Mutex<HashSet<StateDigest>>)

    fn seen(&self, state: IssuedState) -> Option<IssuedState> {
        let replaced = self.replaced.lock().unwrap().contains(&state.digest);
        Some(if replaced { IssuedState { claim: None, pending: None, ..state } } else { state })
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let (digest, before) = (state.digest, self.memory.find_by_digest(&state.digest).await.unwrap());
        yield_now().await;
        let put = self.memory.put(state).await.unwrap();
        if put == PutOutcome::InUse && before.is_some_and(|before| before.claim.is_none()) {
            self.replaced.lock().unwrap().insert(digest);
            return PutOutcome::Stored;
        }
        put
    }
}

bites! {
    shared StateStore;
    a_ticket_that_is_checked_first: Store(ChecksTheTicketFirst::default()) =>
        races::a_ticket_that_is_shown_many_times_at_once_is_good_once,
        races::confirm_and_cancel_with_one_ticket_cannot_both_win;
    check_then_put: Store(ChecksThenPuts::default()) =>
        races::of_organizations_that_race_for_one_digest_one_gets_it;
    a_put_that_reads_first: Store(ReadsThenReplaces::default()) =>
        races::a_put_that_races_a_tie_does_not_wipe_it;
    a_tie_that_is_renewed_by_its_twin: Store(RenewsTheTie::default()) =>
        races::twins_that_race_are_told_of_one_tie;
    a_last_tie_that_wins: Store(OverwritesTheTie::default()) =>
        races::of_installations_that_race_for_one_state_one_is_tied;
    a_discard_that_everybody_did: Store(DiscardsNothing::default()) =>
        races::a_state_that_is_discarded_many_times_at_once_is_discarded_once;
}
