//! Check then act, steps that are not atomic, a clock of its own, lossy columns.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{IssuedState, PendingConfirmation, SecretDigest, StateDigest, VerifiedClaim};
use dockline_memory::MemoryStateStore;
use dockline_testkit::state_store::{codes, confirm, expiry, put, races, revoke, sequences};
use time::OffsetDateTime;
use tokio::task::yield_now;

use super::Store;
use crate::{killed, mutant};

/// Whether the ticket, if one is shown, is that of a pending confirmation now.
async fn ticket_is_valid(
    memory: &MemoryStateStore,
    digest: &StateDigest,
    shown: Option<SecretDigest>,
) -> bool {
    let state = memory.find_by_digest(digest).await.unwrap();
    let is_pending =
        |shown: SecretDigest| state.is_some_and(|state| state.pending.iter().any(|one| one.ticket == shown));
    shown.is_none_or(is_pending)
}

mutant!(
    MemoryStateStore:
    /// Checks the ticket with a preceding read (L-18).
    struct ChecksTheTicketFirst {}

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        if !ticket_is_valid(&self.memory, digest, ticket).await {
            return ConfirmOutcome::Unknown;
        }
        yield_now().await;
        self.memory.confirm_claim(digest, None, claim).await.unwrap()
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> bool {
        if !ticket_is_valid(&self.memory, digest, ticket).await {
            return false;
        }
        yield_now().await;
        self.memory.revoke(digest, None).await.unwrap()
    }
);

mutant!(
    MemoryStateStore:
    /// Checks with a preceding read whether the digest is free.
    struct ChecksThenPuts {}

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let free = self.memory.find_by_digest(&state.digest).await.unwrap().is_none();
        yield_now().await;
        let put = self.memory.put(state).await.unwrap();
        if free { PutOutcome::Stored } else { put }
    }
);

mutant!(
    MemoryStateStore:
    /// Reads that the state is unused, then replaces it with whatever claim it has by then.
    struct ReadsThenReplaces {
        replaced: Mutex<HashSet<StateDigest>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let replaced = self.replaced.lock().unwrap().contains(&state.digest);
        Some(if replaced { IssuedState { claim: None, pending: Vec::new(), ..state } } else { state })
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
);

mutant!(
    MemoryStateStore:
    /// Overwrites the claim: the last one wins (L-18).
    struct OverwritesTheClaim {
        claims: Mutex<HashMap<StateDigest, VerifiedClaim>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let last = self.claims.lock().unwrap().get(&state.digest).copied();
        Some(IssuedState { claim: last.or(state.claim), ..state })
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if outcome != ConfirmOutcome::Unknown {
            self.claims.lock().unwrap().insert(*digest, claim);
        }
        if outcome == ConfirmOutcome::TiedToOther { ConfirmOutcome::Tied } else { outcome }
    }
);

mutant!(
    MemoryStateStore:
    /// Replaces the proof of the stored claim by that of a later claim to the same installation.
    struct ReplacesTheProof {
        claims: Mutex<HashMap<StateDigest, VerifiedClaim>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let last = self.claims.lock().unwrap().get(&state.digest).copied();
        Some(IssuedState { claim: last.or(state.claim), ..state })
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if outcome == ConfirmOutcome::AlreadyTied {
            self.claims.lock().unwrap().insert(*digest, claim);
        }
        outcome
    }
);

mutant!(
    MemoryStateStore:
    /// Reads whether the state exists and reports success to every caller, without a write.
    struct ReportsEveryRevocation {}

    async fn revoke(&self, digest: &StateDigest, _: Option<SecretDigest>) -> bool {
        self.memory.find_by_digest(digest).await.unwrap().is_some_and(|state| !state.revoked)
    }
);

mutant!(
    MemoryStateStore:
    /// Has a column for one pending confirmation (L-77).
    struct KeepsOnePendingConfirmation {
        last: Mutex<HashMap<StateDigest, PendingConfirmation>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let last = self.last.lock().unwrap().get(&state.digest).copied();
        let pending = state.pending.iter().copied().filter(|one| Some(*one) == last).collect();
        Some(IssuedState { pending, ..state })
    }

    async fn save_pending(&self, digest: &StateDigest, pending: PendingConfirmation) -> bool {
        self.last.lock().unwrap().insert(*digest, pending);
        self.memory.save_pending(digest, pending).await.unwrap()
    }
);

mutant!(
    MemoryStateStore:
    /// Checks with a preceding read whether the code is known (L-75).
    struct ChecksThenReserves {
        seen: Mutex<HashSet<(StateDigest, SecretDigest)>>,
    }

    async fn reserve_code(&self, digest: &StateDigest, code: &SecretDigest) -> ReserveOutcome {
        let is_new = !self.seen.lock().unwrap().contains(&(*digest, *code));
        yield_now().await;
        self.seen.lock().unwrap().insert((*digest, *code));
        let outcome = self.memory.reserve_code(digest, code).await.unwrap();
        if is_new { ReserveOutcome::Reserved } else { outcome }
    }
);

mutant!(
    MemoryStateStore:
    /// Marks revoked states only when it returns them.
    struct HidesRevokedStates {
        revoked: Mutex<HashSet<StateDigest>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let revoked = self.revoked.lock().unwrap().contains(&state.digest);
        Some(IssuedState { revoked, ..state })
    }

    async fn revoke(&self, digest: &StateDigest, _: Option<SecretDigest>) -> bool {
        self.revoked.lock().unwrap().insert(*digest)
    }
);

mutant!(
    MemoryStateStore:
    /// Confirms in two steps, the second of which keeps the pending confirmation (L-17).
    struct KeepsThePendingConfirmation {}

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let before = self.memory.find_by_digest(digest).await.unwrap();
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        for pending in before.into_iter().flat_map(|state| state.pending) {
            self.memory.save_pending(digest, pending).await.unwrap();
        }
        outcome
    }
);

mutant!(
    MemoryStateStore:
    /// Uses the ticket up before it compares it (L-19).
    struct UsesTheTicketUpFirst {}

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        if outcome == ConfirmOutcome::Unknown {
            self.memory.revoke(digest, None).await.unwrap();
        }
        outcome
    }
);

mutant!(
    MemoryStateStore:
    /// Ignores the number of rows of `ON CONFLICT DO NOTHING`.
    struct ReportsEveryPutAsStored {}

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.memory.put(state).await.unwrap();
        PutOutcome::Stored
    }
);

mutant!(
    MemoryStateStore:
    /// Judges expiry itself, by the time of the last put.
    struct JudgesExpiry {
        now: Mutex<Option<OffsetDateTime>>,
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        *self.now.lock().unwrap() = Some(state.issued_at);
        self.memory.put(state).await.unwrap()
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        Some(state).filter(|state| self.now.lock().unwrap().is_some_and(|now| state.is_live(now)))
    }
);

mutant!(
    MemoryStateStore:
    /// Has a column of 255 characters that truncates.
    struct TruncatesLongTexts {}

    async fn put(&self, mut state: IssuedState) -> PutOutcome {
        state.return_url.truncate(255);
        self.memory.put(state).await.unwrap()
    }
);

killed! {
    StateStore;
    check_the_ticket_then_confirm: Store(ChecksTheTicketFirst::default()) =>
        races::racing_uses_of_a_ticket_confirm_once,
        races::racing_confirm_and_cancel_take_effect_once;
    check_then_put: Store(ChecksThenPuts::default()) =>
        races::racing_organizations_store_a_digest_once;
    read_then_replace: Store(ReadsThenReplaces::default()) =>
        races::racing_put_does_not_remove_a_claim;
    claim_overwritten: Store(OverwritesTheClaim::default()) =>
        races::racing_claims_to_different_installations_confirm_one,
        confirm::claim_to_another_installation_changes_nothing,
        sequences::random_sequences_agree_with_the_reference;
    proof_replaced: Store(ReplacesTheProof::default()) =>
        races::racing_claims_to_one_installation_confirm_one,
        confirm::first_claim_to_an_installation_stays,
        sequences::random_sequences_agree_with_the_reference;
    every_revocation_reported: Store(ReportsEveryRevocation::default()) =>
        races::racing_revocations_succeed_once,
        revoke::revoked_state_is_marked_and_not_found_by_its_organization,
        revoke::state_is_revoked_once;
    one_pending_confirmation: Store(KeepsOnePendingConfirmation::default()) =>
        confirm::fifth_pending_confirmation_replaces_the_oldest,
        races::racing_pending_confirmations_are_all_kept,
        sequences::random_sequences_agree_with_the_reference;
    check_then_reserve: Store(ChecksThenReserves::default()) =>
        races::racing_uses_of_a_code_reserve_it_once,
        races::racing_codes_stay_within_the_limit,
        codes::sixth_refused_code_revokes_the_state;
    revoked_state_hidden_only: Store(HidesRevokedStates::default()) =>
        confirm::revoked_state_takes_no_claim,
        confirm::revoked_state_takes_no_pending_confirmation,
        sequences::random_sequences_agree_with_the_reference;
    pending_confirmation_kept: Store(KeepsThePendingConfirmation::default()) =>
        confirm::ticket_works_once,
        confirm::ticket_of_a_pending_confirmation_confirms,
        sequences::random_sequences_agree_with_the_reference;
    ticket_used_up_before_it_is_compared: Store(UsesTheTicketUpFirst::default()) =>
        confirm::wrong_ticket_confirms_nothing,
        sequences::random_sequences_agree_with_the_reference;
    every_put_reported_as_stored: Store(ReportsEveryPutAsStored::default()) =>
        put::live_state_of_another_organization_is_in_use,
        put::state_with_pending_confirmation_is_in_use,
        put::state_with_claim_is_in_use,
        put::state_with_an_answered_confirmation_is_in_use,
        put::revoked_state_is_in_use,
        expiry::state_is_in_use_until_it_expires,
        sequences::random_sequences_agree_with_the_reference;
    expiry_judged_by_the_store: Store(JudgesExpiry::default()) =>
        expiry::expired_state_is_found,
        expiry::expired_state_is_kept_for_a_day,
        sequences::random_sequences_agree_with_the_reference;
    long_texts_truncated: Store(TruncatesLongTexts::default()) =>
        put::every_field_of_a_state_round_trips;
}
