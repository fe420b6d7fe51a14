//! Defects that one handle, UTC, a short test and a patient caller hide.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReconcileScope, ReleaseOutcome,
};
use dockline::{Account, Actor, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{dropped, kept, races, times};
use dockline_testkit::fixtures::{NOON, digest};
use time::{Duration, OffsetDateTime};

use super::Repo;
use crate::{handles, killed, mutant, without_offset, yield_to_others};

mutant!(
    MemoryBindingRepo:
    /// Reads under a lock of its process whether the installation is free, and believes it (L-02).
    struct LocksInItsProcess {
        lock: tokio::sync::Mutex<()>,
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let _locked = self.lock.lock().await;
        let (id, organization) = (new.installation, new.organization.clone());
        let record = self.memory.installation(id).await.unwrap();
        let free = record.is_none_or(|record| record.organization.is_none());
        yield_to_others().await;
        let outcome = self.memory.insert(new).await.unwrap();
        match super::bound(&self.memory, id).await {
            Some(row) if free && outcome == InsertOutcome::Taken => {
                InsertOutcome::Inserted(Binding { organization, ..row })
            }
            _ => outcome,
        }
    }
);

fn two_processes() -> impl BindingRepo {
    let memory = MemoryBindingRepo::new();
    let process = |memory| Repo(LocksInItsProcess { memory, ..LocksInItsProcess::default() });
    handles!(BindingRepo: process(memory.clone()), process(memory))
}

mutant!(
    MemoryBindingRepo:
    /// Stores and compares what the callers' clocks showed, without the offsets.
    struct DropsOffsets {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let new = NewBinding {
            registered_at: without_offset(new.registered_at),
            last_verified_at: without_offset(new.last_verified_at),
            next_look_at: without_offset(new.next_look_at),
            ..new
        };
        self.memory.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let observation = match observation {
            Observation::Present { status, account, asked_at, next_look_at } => Observation::Present {
                status,
                account,
                asked_at: without_offset(asked_at),
                next_look_at: without_offset(next_look_at),
            },
            other => other,
        };
        self.memory.observe(id, observation).await.unwrap().outcome
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        let scope = match scope {
            ReconcileScope::Due(before) => ReconcileScope::Due(without_offset(before)),
            ReconcileScope::ObservedBefore(before) => ReconcileScope::ObservedBefore(without_offset(before)),
        };
        self.memory.due(scope, after, limit).await.unwrap()
    }
);

mutant!(
    MemoryBindingRepo:
    /// Postpones by the text of a time.
    struct PostponesByTexts {}

    async fn postpone(&self, id: InstallationId, next_look_at: OffsetDateTime) {
        self.memory.postpone(id, without_offset(next_look_at)).await.unwrap();
    }
);

mutant!(
    MemoryBindingRepo:
    /// Deletes released bindings after a year, and so the states that they spent (I3).
    pub(crate) struct ForgetsSpentStates {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.memory.insert(new.clone()).await.unwrap() {
            InsertOutcome::Spent if new.registered_at >= NOON + Duration::days(365) => {
                let spent = digest(&format!("{:?} again at {}", new.spent, new.registered_at));
                self.memory.insert(NewBinding { spent, ..new }).await.unwrap()
            }
            outcome => outcome,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Deletes ends after a year (I7).
    struct ForgetsEnds {}

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let at = observation.at();
        match self.memory.observe(id, observation).await.unwrap().outcome {
            ObserveOutcome::Gone if at >= NOON + Duration::days(365) => ObserveOutcome::Recorded,
            outcome => outcome,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Deletes unbound installations 30 days after their last look, whenever they were released.
    struct ForgetsAReleaseEarly {
        now: Mutex<Option<OffsetDateTime>>,
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let record = self.memory.installation(id).await.unwrap()?;
        let now = self.now.lock().unwrap().unwrap_or(NOON);
        let is_old = now > record.life.observed_at + Duration::days(30);
        Some(record).filter(|record| record.organization.is_some() || !is_old)
    }

    async fn postpone(&self, id: InstallationId, next_look_at: OffsetDateTime) {
        *self.now.lock().unwrap() = Some(next_look_at - Duration::DAY);
        self.memory.postpone(id, next_look_at).await.unwrap();
    }
);

mutant!(
    MemoryBindingRepo:
    /// Spends the state in a step of its own, before it binds (I6).
    struct SpendsTheStateFirst {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if let InsertOutcome::Inserted(row) = self.memory.insert(new.clone()).await.unwrap() {
            let (owner, id, at) = (row.organization.clone(), row.installation, row.registered_at);
            self.memory.release(&owner, id, &new.actor, at).await.unwrap();
            yield_to_others().await;
            let spent = digest(&format!("{:?} of {owner}", new.spent));
            return self.memory.insert(NewBinding { spent, ..new }).await.unwrap();
        }
        self.memory.insert(new).await.unwrap()
    }
);

mutant!(
    MemoryBindingRepo:
    /// Ends the binding in one step, and frees the installation in a second one (I6).
    struct ReleasesInTwoSteps {
        ended: Mutex<HashSet<OrganizationId>>,
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let has_ended = self.ended.lock().unwrap().contains(organization);
        self.memory.find(organization).await.unwrap().filter(|_| !has_ended)
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        actor: &Actor,
        at: OffsetDateTime,
    ) -> ReleaseOutcome {
        if !self.ended.lock().unwrap().insert(organization.clone()) {
            return ReleaseOutcome::NothingBound;
        }
        yield_to_others().await;
        self.memory.release(organization, id, actor, at).await.unwrap()
    }
);

mutant!(
    MemoryBindingRepo:
    /// Stores the account in a step of its own, if the first one changed something (I6).
    struct ObservesInTwoSteps {
        accounts: Mutex<HashMap<InstallationId, Account>>,
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let account = self.accounts.lock().unwrap().get(&id).cloned();
        Some(InstallationRecord { account, ..self.memory.installation(id).await.unwrap()? })
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        let account = match &observation {
            Observation::Present { account, .. } => Some(account.clone()),
            _ => None,
        };
        let before = self.memory.installation(id).await.unwrap();
        let outcome = self.memory.observe(id, observation).await.unwrap().outcome;
        let is_changed = self.memory.installation(id).await.unwrap() != before;
        yield_to_others().await;
        if is_changed {
            self.accounts.lock().unwrap().extend(account.map(|account| (id, account)));
        }
        outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Derives `Debug` over its rows (I14).
    struct ShowsItsRows {
        rows: Mutex<Vec<NewBinding>>,
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        self.rows.lock().unwrap().push(new.clone());
        self.memory.insert(new).await.unwrap()
    }
);

killed! {
    BindingRepo;
    lock_of_its_process: two_processes() =>
        races::racing_organizations_bind_an_installation_once;
    offsets_dropped: Repo(DropsOffsets::default()) =>
        times::offsets_of_a_bindings_times_change_nothing,
        times::observations_are_ordered_by_instant,
        times::looks_are_due_by_instant;
    postponed_by_texts: Repo(PostponesByTexts::default()) =>
        times::looks_are_due_by_instant;
    spent_states_forgotten: Repo(ForgetsSpentStates::default()) =>
        kept::spent_states_are_refused_for_ever;
    ends_forgotten: Repo(ForgetsEnds::default()) =>
        kept::final_ends_are_kept_for_ever;
    released_installation_forgotten_early: Repo(ForgetsAReleaseEarly::default()) =>
        kept::unbound_installations_are_kept_for_30_days;
    state_spent_first: Repo(SpendsTheStateFirst::default()) =>
        dropped::dropped_insert_is_whole;
    released_in_two_steps: Repo(ReleasesInTwoSteps::default()) =>
        dropped::dropped_release_is_whole;
    observed_in_two_steps: Repo(ObservesInTwoSteps::default()) =>
        dropped::dropped_observation_is_whole;
    rows_shown: Repo(ShowsItsRows::default()) =>
        kept::debug_shows_nothing_stored;
}
