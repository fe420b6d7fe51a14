//! Repositories that are right for one call at a time: check then act, and wrong answers for the loser of a race.

use std::collections::HashSet;
use std::sync::Mutex;

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReleaseOutcome};
use dockline::{
    Actor, Binding, InstallationId, InstallationRecord, Life, NewBinding, OrganizationId, Presence,
};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{insert, races, sequences};
use dockline_testkit::fixtures::{digest, unique};
use time::OffsetDateTime;

use super::{Repo, bound};
use crate::{killed, mutant, yield_to_others};

mutant!(
    MemoryBindingRepo:
    /// Checks for uniqueness with a preceding read, without a constraint (L-02).
    struct ChecksThenInserts {
        rows: Mutex<Vec<Binding>>,
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.last(|row| row.organization == *organization)
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        self.last(|row| row.installation == id).map(|row| InstallationRecord {
            organization: Some(row.organization),
            account: Some(row.account),
            status: row.status,
            life: row.life,
            verified_at: row.last_verified_at,
            generation: row.generation,
        })
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        _: &Actor,
        _: OffsetDateTime,
    ) -> ReleaseOutcome {
        let Some(row) = self.find(organization).await.filter(|row| row.installation == id) else {
            return ReleaseOutcome::NothingBound;
        };
        self.rows.lock().unwrap().retain(|other| *other != row);
        ReleaseOutcome::Released(row)
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if let Some(row) = self.find(&new.organization).await {
            return InsertOutcome::Occupied(row);
        }
        if self.installation(new.installation).await.is_some() {
            return InsertOutcome::Taken;
        }
        yield_to_others().await;
        let row = Binding {
            organization: new.organization,
            installation: new.installation,
            account: new.account,
            status: new.status,
            life: Life {
                presence: Presence::Shown,
                observed_at: new.last_verified_at,
                next_look_at: Some(new.next_look_at),
            },
            proof: new.proof,
            proven_by: new.proven_by,
            actor: new.actor,
            registered_at: new.registered_at,
            last_verified_at: new.last_verified_at,
            generation: 1,
        };
        self.rows.lock().unwrap().push(row.clone());
        InsertOutcome::Inserted(row)
    }
);

impl ChecksThenInserts {
    /// The last of the rows, which nothing keeps unique.
    fn last(&self, wanted: impl Fn(&Binding) -> bool) -> Option<Binding> {
        self.rows.lock().unwrap().iter().rfind(|row| wanted(row)).cloned()
    }
}

mutant!(
    MemoryBindingRepo:
    /// Stores bindings and uninstallations in separate rows: write skew.
    struct StoresUninstallationsApart {
        uninstalled: Mutex<HashSet<InstallationId>>,
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if self.uninstalled.lock().unwrap().contains(&new.installation) {
            return InsertOutcome::Gone;
        }
        yield_to_others().await;
        self.memory.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if bound(&self.memory, id).await.is_some() {
            return self.memory.observe(id, observation).await.unwrap().outcome;
        }
        if matches!(observation, Observation::Deleted { .. }) {
            yield_to_others().await;
            self.uninstalled.lock().unwrap().insert(id);
        }
        ObserveOutcome::Recorded
    }
);

mutant!(
    MemoryBindingRepo:
    /// Reports the unique violation of an identical insert as a conflict with another organization.
    struct ReportsViolationAsTaken {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if let Some(row) = self.memory.find(&new.organization).await.unwrap() {
            return InsertOutcome::Occupied(row);
        }
        yield_to_others().await;
        match self.memory.insert(new).await.unwrap() {
            InsertOutcome::Occupied(_) => InsertOutcome::Taken,
            other => other,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Returns the loser's own row, as if it were stored (L-64).
    struct ReturnsTheLosersRow {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if let Some(row) = self.memory.find(&new.organization).await.unwrap() {
            return InsertOutcome::Occupied(row);
        }
        yield_to_others().await;
        match self.memory.insert(new.clone()).await.unwrap() {
            InsertOutcome::Occupied(row) => InsertOutcome::Occupied(Binding {
                installation: new.installation,
                registered_at: new.registered_at,
                ..row
            }),
            other => other,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Compares the times, then overwrites.
    struct ComparesThenOverwrites {}

    async fn observe(&self, id: InstallationId, mut observation: Observation) -> ObserveOutcome {
        let before = bound(&self.memory, id).await;
        if let (Some(before), Observation::Present { asked_at, .. }) = (before, &mut observation) {
            if *asked_at < before.last_verified_at {
                return ObserveOutcome::Outdated;
            }
            yield_to_others().await;
            let now = bound(&self.memory, id).await.unwrap();
            *asked_at = (*asked_at).max(now.last_verified_at);
        }
        self.memory.observe(id, observation).await.unwrap().outcome
    }
);

mutant!(
    MemoryBindingRepo:
    /// Reads the row, then releases it, and returns the row to both callers.
    struct ReadsThenReleases {}

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        actor: &Actor,
        at: OffsetDateTime,
    ) -> ReleaseOutcome {
        match self.memory.find(organization).await.unwrap() {
            Some(row) if row.installation == id => {
                yield_to_others().await;
                self.memory.release(organization, id, actor, at).await.unwrap();
                ReleaseOutcome::Released(row)
            }
            _ => ReleaseOutcome::NothingBound,
        }
    }
);

mutant!(
    MemoryBindingRepo:
    /// Forgets the spent state with the binding.
    struct ForgetsSpentStates {}

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let spent = digest(&format!("unused {}", unique()));
        self.memory.insert(NewBinding { spent, ..new }).await.unwrap()
    }
);

killed! {
    BindingRepo;
    check_then_insert: Repo(ChecksThenInserts::default()) =>
        races::racing_installations_bind_an_organization_once,
        races::racing_organizations_bind_an_installation_once,
        races::racing_identical_inserts_return_one_row,
        races::racing_uses_of_a_state_bind_one_installation,
        races::racing_organizations_bind_a_released_installation_once;
    compare_then_overwrite: Repo(ComparesThenOverwrites::default()) =>
        races::racing_observations_store_the_latest;
    uninstallations_apart_from_bindings: Repo(StoresUninstallationsApart::default()) =>
        races::binding_that_races_an_uninstallation_is_not_active;
    unique_violation_reported_as_taken: Repo(ReportsViolationAsTaken::default()) =>
        races::racing_identical_inserts_return_one_row;
    own_row_returned_to_the_loser: Repo(ReturnsTheLosersRow::default()) =>
        races::racing_installations_bind_an_organization_once,
        races::racing_identical_inserts_return_one_row;
    read_then_release: Repo(ReadsThenReleases::default()) =>
        races::racing_releases_succeed_once;
    spent_state_forgotten_with_the_binding: Repo(ForgetsSpentStates::default()) =>
        races::racing_uses_of_a_state_bind_once_despite_releases,
        insert::state_of_a_released_binding_is_spent,
        sequences::random_sequences_agree_with_the_reference;
}
