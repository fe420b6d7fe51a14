//! Wrong housekeeping: rows deleted too early, bindings deleted at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Directory, Housekeeping, PutOutcome, RateLimiter, StateStore};
use dockline::{IssuedState, PortError, StateDigest};
use dockline_memory::{MemoryBindingRepo, MemoryOutbox, MemoryRateLimiter, MemoryStateStore};
use dockline_testkit::housekeeping::{HousekeepingDriver, bindings, states};
use dockline_testkit::outbox::{BOUNDS, Node};
use time::{Duration, OffsetDateTime};

use crate::binding_repo::Repo;
use crate::binding_repo::nodes::ForgetsSpentStates;
use crate::state_store::{Mutant, Store};
use crate::{killed, without_offset, yield_to_others};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// None: what it deletes of the states is right.
    None,
    /// Deletes states at their expiry.
    DeletesExpiredStates,
    /// Compares what the clock of the worker showed.
    DropsOffsets,
    /// Ignores the size of the batch.
    DeletesAll,
    /// Counts a row that another node deleted meanwhile.
    CountsTwice,
    /// Deletes released bindings (I3).
    DeletesBindings,
}

/// The memory store without the states that were deleted.
#[derive(Debug, Default)]
struct Kept {
    memory: MemoryStateStore,
    expiries: Mutex<HashMap<StateDigest, OffsetDateTime>>,
}

#[async_trait]
impl Mutant for Kept {
    fn memory(&self) -> &MemoryStateStore {
        &self.memory
    }

    async fn put(&self, state: IssuedState) -> PutOutcome {
        self.expiries.lock().unwrap().insert(state.digest, state.expires_at);
        self.memory.put(state).await.unwrap()
    }

    fn found(&self, state: IssuedState) -> Option<IssuedState> {
        Some(state).filter(|state| self.expiries.lock().unwrap().contains_key(&state.digest))
    }
}

#[derive(Debug)]
struct Keeper {
    defect: Defect,
    states: Store<Kept>,
    bindings: MemoryBindingRepo,
    forgetful: Repo<ForgetsSpentStates>,
    limiter: MemoryRateLimiter,
}

fn with(defect: Defect) -> Keeper {
    let (states, bindings) = (Store(Kept::default()), MemoryBindingRepo::new());
    let (forgetful, limiter) = (Repo(ForgetsSpentStates::default()), MemoryRateLimiter::new());
    Keeper { defect, states, bindings, forgetful, limiter }
}

#[async_trait]
impl Housekeeping for Keeper {
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError> {
        let retention =
            if self.defect == Defect::DeletesExpiredStates { Duration::ZERO } else { Duration::DAY };
        let now = if self.defect == Defect::DropsOffsets { without_offset(now) } else { now };
        let batch = if self.defect == Defect::DeletesAll { usize::MAX } else { batch as usize };
        let expiries = &self.states.0.expiries;
        let is_expired = |(_, expires_at): &(&StateDigest, &OffsetDateTime)| **expires_at + retention < now;
        let expired: Vec<_> = {
            let expiries = expiries.lock().unwrap();
            expiries.iter().filter(is_expired).map(|(digest, _)| *digest).take(batch).collect()
        };
        if self.defect == Defect::CountsTwice {
            yield_to_others().await;
        }
        let mut expiries = expiries.lock().unwrap();
        let deleted = expired.iter().filter(|digest| expiries.remove(*digest).is_some()).count();
        let counted = if self.defect == Defect::CountsTwice { expired.len() } else { deleted };
        Ok(counted as u64)
    }
}

#[async_trait]
impl HousekeepingDriver for Keeper {
    fn housekeeping(&self) -> &dyn Housekeeping {
        self
    }

    fn bindings(&self) -> &dyn BindingRepo {
        if self.defect == Defect::DeletesBindings { &self.forgetful } else { &self.bindings }
    }

    fn directory(&self) -> &dyn Directory {
        &self.bindings
    }

    fn states(&self) -> &dyn StateStore {
        &self.states
    }

    fn limiter(&self) -> &dyn RateLimiter {
        &self.limiter
    }

    async fn open_outbox(&self) -> Node {
        let outbox = MemoryOutbox::open(&self.bindings, BOUNDS);
        let bindings = Arc::new(self.bindings.clone());
        Node { app: 1, bindings, deliveries: Arc::new(outbox.clone()), outbox: Arc::new(outbox) }
    }
}

#[test]
fn right_deletion_of_states_passes() {
    dockline_testkit::runner::block_on(async {
        states::state_is_kept_for_a_day_after_its_expiry(&with(Defect::None)).await;
        states::states_are_deleted_in_batches(&with(Defect::None)).await;
        let driver: Arc<dyn HousekeepingDriver> = Arc::new(with(Defect::None));
        states::racing_nodes_delete_each_row_once(&driver).await;
    });
}

killed! {
    HousekeepingDriver;
    states_deleted_at_their_expiry: with(Defect::DeletesExpiredStates) =>
        states::state_is_kept_for_a_day_after_its_expiry;
    offsets_dropped: with(Defect::DropsOffsets) =>
        states::state_is_kept_for_a_day_after_its_expiry;
    batch_ignored: with(Defect::DeletesAll) =>
        states::states_are_deleted_in_batches;
    rows_counted_twice: with(Defect::CountsTwice) =>
        states::racing_nodes_delete_each_row_once;
    bindings_deleted: with(Defect::DeletesBindings) =>
        bindings::bindings_are_kept_for_ever;
    nothing_deleted: with(Defect::None) =>
        bindings::unbound_installations_are_kept_for_30_days;
}
