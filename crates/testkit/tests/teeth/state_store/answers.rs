//! Stores that are wrong, one call at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use dockline::ports::{ConfirmOutcome, PutOutcome, StateStore};
use dockline::{IssuedState, OrganizationId, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim};
use dockline_testkit::state_store::{discarding, expiry, issuing, model, tying, visiting};
use time::OffsetDateTime;

use super::{Store, mutant};
use crate::bites;

mutant! {
    /// L-18: the last tie stands.
    OverwritesTheTie(ties: Mutex<HashMap<StateDigest, VerifiedClaim>>)

    fn seen(&self, state: IssuedState) -> Option<IssuedState> {
        let last = self.ties.lock().unwrap().get(&state.digest).copied();
        Some(IssuedState { claim: last.or(state.claim), ..state })
    }

    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if outcome != ConfirmOutcome::Unknown {
            self.ties.lock().unwrap().insert(*digest, claim);
        }
        if outcome == ConfirmOutcome::TiedToOther { ConfirmOutcome::Tied } else { outcome }
    }
}

mutant! {
    /// The second visitor's proof takes the place of the first's.
    RenewsTheTie(ties: Mutex<HashMap<StateDigest, VerifiedClaim>>)

    fn seen(&self, state: IssuedState) -> Option<IssuedState> {
        let last = self.ties.lock().unwrap().get(&state.digest).copied();
        Some(IssuedState { claim: last.or(state.claim), ..state })
    }

    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if outcome == ConfirmOutcome::AlreadyTied {
            self.ties.lock().unwrap().insert(*digest, claim);
        }
        outcome
    }
}

mutant! {
    /// Judges expiry itself, by the time of the last put.
    LosesExpiredStates(now: Mutex<Option<OffsetDateTime>>)

    async fn put(&self, state: IssuedState) -> PutOutcome {
        *self.now.lock().unwrap() = Some(state.issued_at);
        self.memory.put(state).await.unwrap()
    }

    fn seen(&self, state: IssuedState) -> Option<IssuedState> {
        Some(state).filter(|state| self.now.lock().unwrap().is_some_and(|now| state.is_live(now)))
    }
}

mutant! {
    /// A discarded state is hidden, but works.
    VouchesForDiscardedStates(discarded: Mutex<HashSet<StateDigest>>)

    fn seen(&self, state: IssuedState) -> Option<IssuedState> {
        Some(state).filter(|state| !self.discarded.lock().unwrap().contains(&state.digest))
    }

    async fn revoke(&self, digest: &StateDigest, _: Option<&SecretDigest>) -> bool {
        self.discarded.lock().unwrap().insert(*digest)
    }
}

mutant! {
    /// Cancel says that it is done, and is not.
    DiscardsNothing()

    async fn revoke(&self, digest: &StateDigest, _: Option<&SecretDigest>) -> bool {
        self.memory.find_by_digest(digest).await.unwrap().is_some()
    }
}

mutant! {
    /// L-17: the question stays open.
    LeavesTheQuestionOpen()

    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        let before = self.memory.find_by_digest(digest).await.unwrap();
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if let Some(pending) = before.and_then(|state| state.pending) {
            self.memory.save_pending(digest, pending).await.unwrap();
        }
        outcome
    }
}

mutant! {
    /// L-16: a ticket is shown, and not looked at.
    IgnoresTheTicket()

    async fn confirm_claim(&self, digest: &StateDigest, _: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        self.memory.confirm_claim(digest, None, claim).await.unwrap()
    }

    async fn revoke(&self, digest: &StateDigest, _: Option<&SecretDigest>) -> bool {
        self.memory.revoke(digest, None).await.unwrap()
    }
}

mutant! {
    /// L-19: whoever guesses wrong burns the state.
    BurnsTheStateOnAWrongTicket()

    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if outcome == ConfirmOutcome::Unknown {
            self.memory.revoke(digest, None).await.unwrap();
        }
        outcome
    }
}

mutant! {
    /// L-03, L-21
    ShowsForeignStates()

    fn shows(&self, _: &OrganizationId, _: &IssuedState) -> bool {
        true
    }
}

mutant! {
    /// "on conflict do nothing", and nobody looks at the number of rows.
    SaysStoredWhateverHappened()

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.memory.put(state).await.unwrap();
        PutOutcome::Stored
    }
}

mutant! {
    /// A visit is good for the visitor who came first.
    KeepsTheFirstQuestion()

    async fn save_pending(&self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        match self.memory.find_by_digest(digest).await.unwrap() {
            Some(IssuedState { pending: Some(_), .. }) => true,
            _ => self.memory.save_pending(digest, pending).await.unwrap(),
        }
    }
}

mutant! {
    /// The expiry is one of the conditions of every update.
    WorksWithLiveStatesOnly(now: Mutex<Option<OffsetDateTime>>)

    async fn put(&self, state: IssuedState) -> PutOutcome {
        *self.now.lock().unwrap() = Some(state.issued_at);
        self.memory.put(state).await.unwrap()
    }

    async fn confirm_claim(&self, digest: &StateDigest, ticket: Option<&SecretDigest>, claim: VerifiedClaim) -> ConfirmOutcome {
        let state = self.memory.find_by_digest(digest).await.unwrap();
        let now = *self.now.lock().unwrap();
        if state.zip(now).is_some_and(|(state, now)| !state.is_live(now)) {
            return ConfirmOutcome::Unknown;
        }
        self.memory.confirm_claim(digest, ticket, claim).await.unwrap()
    }
}

mutant! {
    /// A column of 255 characters, in a database that cuts what is too long.
    CutsLongTexts()

    async fn put(&self, mut state: IssuedState) -> PutOutcome {
        state.return_url.truncate(255);
        self.memory.put(state).await.unwrap()
    }
}

bites! {
    StateStore;
    a_tie_that_is_overwritten: Store(OverwritesTheTie::default()) =>
        tying::a_state_that_is_tied_to_another_installation_does_not_change,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_tie_that_is_renewed: Store(RenewsTheTie::default()) =>
        tying::the_first_tie_to_an_installation_stands,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    an_expired_state_that_is_lost: Store(LosesExpiredStates::default()) =>
        expiry::an_expired_state_is_still_found,
        expiry::a_row_is_kept_for_a_whole_day_after_it_expired,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    an_expired_state_that_is_not_worked_with: Store(WorksWithLiveStatesOnly::default()) =>
        expiry::an_expired_state_is_still_worked_with,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_state_that_is_vouched_for_after_a_discard: Store(VouchesForDiscardedStates::default()) =>
        tying::a_discarded_state_cannot_be_tied,
        visiting::a_discarded_state_holds_no_visit,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_discard_that_does_nothing: Store(DiscardsNothing::default()) =>
        discarding::a_discarded_state_is_unknown_to_everybody,
        discarding::a_state_is_discarded_once,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_ticket_that_is_good_twice: Store(LeavesTheQuestionOpen::default()) =>
        tying::a_ticket_is_good_once,
        tying::a_state_is_tied_and_its_question_forgotten,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_ticket_that_is_ignored: Store(IgnoresTheTicket::default()) =>
        tying::another_ticket_changes_nothing,
        tying::a_ticket_without_a_question_changes_nothing,
        tying::the_ticket_of_an_earlier_question_is_worth_nothing,
        discarding::another_ticket_discards_nothing,
        discarding::a_ticket_without_a_question_discards_nothing,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_wrong_ticket_that_burns_the_state: Store(BurnsTheStateOnAWrongTicket::default()) =>
        tying::another_ticket_changes_nothing,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_foreign_state_that_is_found: Store(ShowsForeignStates::default()) =>
        issuing::another_organizations_state_is_none,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_put_that_is_always_stored: Store(SaysStoredWhateverHappened::default()) =>
        issuing::a_live_digest_of_another_organization_is_in_use,
        issuing::a_visited_state_is_in_use,
        issuing::a_tied_state_is_in_use,
        issuing::a_discarded_state_is_in_use_also_for_its_own_organization,
        expiry::a_row_is_live_until_just_before_it_expires,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    a_first_question_that_stays: Store(KeepsTheFirstQuestion::default()) =>
        visiting::a_later_visit_takes_the_place_of_an_earlier_one,
        model::the_store_agrees_with_a_plain_list_on_every_sequence;
    texts_that_are_cut: Store(CutsLongTexts::default()) =>
        issuing::every_field_of_a_state_comes_back;
}
