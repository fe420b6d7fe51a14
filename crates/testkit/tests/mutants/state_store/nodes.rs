//! Defects that one handle, UTC, lower case, a short test and a patient caller hide.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration as Pause;

use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{IssuedState, OrganizationId, SecretDigest, StateDigest, VerifiedClaim};
use dockline_memory::MemoryStateStore;
use dockline_testkit::runner::{attempt, block_on};
use dockline_testkit::state_store::{dropped, expiry, put, races};
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Store;
use crate::{handles, killed, mutant, without_offset, yield_to_others};

mutant!(
    MemoryStateStore:
    /// Checks then puts under a lock of its process, which protects nothing from another one (L-18).
    struct LocksInItsProcess {
        lock: tokio::sync::Mutex<()>,
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let _locked = self.lock.lock().await;
        let free = self.memory.find_by_digest(&state.digest).await.unwrap().is_none();
        yield_to_others().await;
        let put = self.memory.put(state).await.unwrap();
        if free { PutOutcome::Stored } else { put }
    }
);

mutant!(
    MemoryStateStore:
    /// Remembers what it found, and forgets it at its own writes only.
    struct CachesInItsProcess {
        cached: Mutex<HashMap<StateDigest, IssuedState>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        Some(self.cached.lock().unwrap().entry(state.digest).or_insert(state).clone())
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.cached.lock().unwrap().remove(&state.digest);
        self.memory.put(state).await.unwrap()
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> bool {
        self.cached.lock().unwrap().remove(digest);
        self.memory.revoke(digest, ticket).await.unwrap()
    }
);

/// The handles of two processes to one store.
fn two_processes<M>(of: impl Fn(MemoryStateStore) -> M) -> impl StateStore
where
    M: super::Mutant,
{
    let memory = MemoryStateStore::new();
    handles!(StateStore: Store(of(memory.clone())), Store(of(memory)))
}

/// What the suite saw before it took two handles: both defects pass.
#[test]
fn one_handle_hides_a_lock_and_a_cache_of_its_process() {
    let lock = || LocksInItsProcess::default();
    let one: Arc<dyn StateStore> = Arc::new(Store(lock()));
    let case = async move { races::racing_organizations_store_a_digest_once(&one).await };
    block_on(attempt(case)).unwrap();
    let one: Arc<dyn StateStore> = Arc::new(Store(CachesInItsProcess::default()));
    let case = async move { expiry::expired_state_can_be_changed(&*one).await };
    block_on(attempt(case)).unwrap();
}

mutant!(
    MemoryStateStore:
    /// Stores what the caller's clock showed, without the offset.
    struct DropsOffsets {}

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let (issued_at, expires_at) = (without_offset(state.issued_at), without_offset(state.expires_at));
        self.memory.put(IssuedState { issued_at, expires_at, ..state }).await.unwrap()
    }
);

mutant!(
    MemoryStateStore:
    /// Stores instants, but compares the expiry with them as texts.
    struct ComparesTexts {}

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let before = self.memory.find_by_digest(&state.digest).await.unwrap();
        let now = match before {
            Some(before) if without_offset(state.issued_at) >= without_offset(before.expires_at) => before.expires_at,
            _ => state.issued_at,
        };
        self.memory.put(IssuedState { issued_at: now, ..state }).await.unwrap()
    }
);

mutant!(
    MemoryStateStore:
    /// Has a collation without case.
    struct ComparesWithoutCase {}

    fn organization(&self, organization: &OrganizationId) -> OrganizationId {
        OrganizationId::new(organization.as_str().to_lowercase()).unwrap()
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let organization = self.organization(&state.organization);
        self.memory.put(IssuedState { organization, ..state }).await.unwrap()
    }
);

mutant!(
    MemoryStateStore:
    /// Deletes states that did their work an hour after they expired, when the next one is put.
    struct PurgesUsedStates {
        now: Mutex<Option<OffsetDateTime>>,
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        *self.now.lock().unwrap() = Some(state.issued_at);
        self.memory.put(state).await.unwrap()
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let is_used = state.revoked || state.claim.is_some();
        let now = self.now.lock().unwrap().unwrap_or(state.issued_at);
        Some(state).filter(|state| !is_used || now <= state.expires_at + Duration::HOUR)
    }
);

mutant!(
    MemoryStateStore:
    /// Deletes states by the day of the caller's clock.
    struct PurgesByLocalTime {
        now: Mutex<Option<OffsetDateTime>>,
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        *self.now.lock().unwrap() = Some(without_offset(state.issued_at));
        self.memory.put(state).await.unwrap()
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let now = self.now.lock().unwrap().unwrap_or(state.issued_at);
        Some(state).filter(|state| now <= state.expires_at + Duration::DAY)
    }
);

mutant!(
    MemoryStateStore:
    /// Confirms in two steps, which a caller that leaves tears apart (I6).
    struct ConfirmsInTwoSteps {}

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> ConfirmOutcome {
        let outcome = self.memory.confirm_claim(digest, None, claim).await.unwrap();
        yield_to_others().await;
        if ticket.is_some() {
            self.memory.confirm_claim(digest, ticket, claim).await.unwrap();
        }
        outcome
    }
);

mutant!(
    MemoryStateStore:
    /// Revokes in one step, and stores the answer in a second one (I6).
    struct RevokesInTwoSteps {
        unanswered: Mutex<HashSet<StateDigest>>,
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        let is_unanswered = self.unanswered.lock().unwrap().contains(&state.digest);
        Some(if is_unanswered { IssuedState { answered: None, ..state } } else { state })
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> bool {
        if !self.memory.revoke(digest, ticket).await.unwrap() {
            return false;
        }
        self.unanswered.lock().unwrap().insert(*digest);
        yield_to_others().await;
        self.unanswered.lock().unwrap().remove(digest)
    }
);

mutant!(
    MemoryStateStore:
    /// Holds a lock on a code by hand, which a dropped call leaves behind (I6).
    struct LocksCodes {
        locked: Mutex<HashSet<SecretDigest>>,
    }

    async fn reserve_code(&self, digest: &StateDigest, code: &SecretDigest) -> ReserveOutcome {
        if !self.locked.lock().unwrap().insert(*code) {
            return ReserveOutcome::Unknown;
        }
        yield_to_others().await;
        let reserved = self.memory.reserve_code(digest, code).await.unwrap();
        self.locked.lock().unwrap().remove(code);
        reserved
    }
);

/// A pool of which a call takes a connection by hand, and gives it back if it ends.
#[derive(Debug)]
struct Pool(Semaphore);

impl Default for Pool {
    fn default() -> Self {
        Self(Semaphore::new(8))
    }
}

mutant!(
    MemoryStateStore:
    /// Gives a connection back at the end of a call only, which a dropped call does not reach.
    struct KeepsConnections {
        pool: Pool,
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        let connection = timeout(Pause::from_millis(100), self.pool.0.acquire()).await;
        connection.unwrap().unwrap().forget();
        yield_to_others().await;
        let put = self.memory.put(state).await.unwrap();
        self.pool.0.add_permits(1);
        put
    }
);

mutant!(
    MemoryStateStore:
    /// Derives `Debug` over its rows (I14).
    struct ShowsItsRows {
        rows: Mutex<Vec<IssuedState>>,
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.rows.lock().unwrap().push(state.clone());
        self.memory.put(state).await.unwrap()
    }
);

killed! {
    StateStore;
    lock_of_its_process: two_processes(|memory| LocksInItsProcess { memory, ..LocksInItsProcess::default() }) =>
        races::racing_organizations_store_a_digest_once;
    cache_of_its_process: two_processes(|memory| CachesInItsProcess { memory, ..CachesInItsProcess::default() }) =>
        expiry::expired_state_can_be_changed;
    offsets_dropped: Store(DropsOffsets::default()) =>
        expiry::offsets_of_times_change_nothing;
    times_compared_as_texts: Store(ComparesTexts::default()) =>
        expiry::offsets_of_times_change_nothing;
    compared_without_case: Store(ComparesWithoutCase::default()) =>
        put::case_of_letters_distinguishes;
    used_states_purged: Store(PurgesUsedStates::default()) =>
        expiry::used_states_are_kept_for_a_day_too;
    purged_by_local_time: Store(PurgesByLocalTime::default()) =>
        expiry::clock_in_the_east_purges_nothing_early;
    confirmed_in_two_steps: Store(ConfirmsInTwoSteps::default()) =>
        dropped::dropped_confirmation_is_whole;
    revoked_in_two_steps: Store(RevokesInTwoSteps::default()) =>
        dropped::dropped_revocation_is_whole;
    lock_of_a_code_kept: Store(LocksCodes::default()) =>
        dropped::dropped_reservation_is_whole;
    connections_kept: Store(KeepsConnections::default()) =>
        dropped::dropped_put_can_be_repeated;
    rows_shown: Store(ShowsItsRows::default()) =>
        put::debug_shows_nothing_stored;
}
