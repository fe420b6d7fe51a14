//! Repositories that are right, one call at a time.

use std::collections::HashSet;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReleaseOutcome};
use dockline::{Binding, InstallationId, NewBinding, OrganizationId};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::races;
use time::OffsetDateTime;
use tokio::task::yield_now;

use super::answers::ForgetsSpentStates;
use super::{Repo, Wrong};
use crate::bites;

/// Between a read and the write that leans on it, others get their turn: a round trip to a database, in small.
pub(super) async fn others_go_first() {
    for _ in 0..3 {
        yield_now().await;
    }
}

/// L-02: uniqueness by a preceding read. Rows without a constraint; the last one written is found.
#[derive(Debug, Default)]
struct ChecksThenInserts {
    memory: MemoryBindingRepo,
    rows: Mutex<Vec<Binding>>,
}

impl ChecksThenInserts {
    fn last(&self, wanted: impl Fn(&Binding) -> bool) -> Option<Binding> {
        self.rows.lock().unwrap().iter().rfind(|row| wanted(row)).cloned()
    }
}

#[async_trait]
impl Wrong for ChecksThenInserts {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.last(|row| row.organization == *organization)
    }

    async fn find_by_installation(&self, id: InstallationId) -> Option<Binding> {
        self.last(|row| row.installation == id)
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
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
        if self.find_by_installation(new.installation).await.is_some() {
            return InsertOutcome::Taken;
        }
        others_go_first().await;
        let row = Binding {
            organization: new.organization,
            installation: new.installation,
            account: new.account,
            status: new.status,
            proof: new.proof,
            proven_by: new.proven_by,
            actor: new.actor.clone(),
            registered_at: new.registered_at,
            last_verified_at: new.last_verified_at,
            generation: 1,
        };
        self.rows.lock().unwrap().push(row.clone());
        InsertOutcome::Inserted(row)
    }
}

/// The binding in one row and the uninstall in another: write skew.
#[derive(Debug, Default)]
struct KeepsUninstallsApart {
    memory: MemoryBindingRepo,
    gone: Mutex<HashSet<InstallationId>>,
}

#[async_trait]
impl Wrong for KeepsUninstallsApart {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if self.gone.lock().unwrap().contains(&new.installation) {
            return InsertOutcome::Gone;
        }
        others_go_first().await;
        self.memory.insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if self.memory.find_by_installation(id).await.unwrap().is_some() {
            return self.memory.observe(id, observation).await.unwrap();
        }
        if matches!(observation, Observation::Uninstalled { .. }) {
            others_go_first().await;
            self.gone.lock().unwrap().insert(id);
        }
        ObserveOutcome::Recorded
    }
}

/// The unique violation of two identical re-posts is answered as somebody else's binding.
#[derive(Debug, Default)]
struct TakesAViolationForAConflict(MemoryBindingRepo);

#[async_trait]
impl Wrong for TakesAViolationForAConflict {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if let Some(row) = self.0.find(&new.organization).await.unwrap() {
            return InsertOutcome::Occupied(row);
        }
        others_go_first().await;
        match self.0.insert(new).await.unwrap() {
            InsertOutcome::Occupied(_) => InsertOutcome::Taken,
            other => other,
        }
    }
}

/// The loser of a race is answered what it tried, as if it had been written (L-64).
#[derive(Debug, Default)]
struct AnswersTheLoserItsOwnRow(MemoryBindingRepo);

#[async_trait]
impl Wrong for AnswersTheLoserItsOwnRow {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        if let Some(row) = self.0.find(&new.organization).await.unwrap() {
            return InsertOutcome::Occupied(row);
        }
        others_go_first().await;
        match self.0.insert(new.clone()).await.unwrap() {
            InsertOutcome::Occupied(row) => InsertOutcome::Occupied(Binding {
                installation: new.installation,
                registered_at: new.registered_at,
                ..row
            }),
            other => other,
        }
    }
}

/// Compares times, then overwrites: whoever writes last wins.
#[derive(Debug, Default)]
struct ComparesThenOverwrites(MemoryBindingRepo);

#[async_trait]
impl Wrong for ComparesThenOverwrites {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn observe(&self, id: InstallationId, mut observation: Observation) -> ObserveOutcome {
        let before = self.0.find_by_installation(id).await.unwrap();
        if let (Some(before), Observation::Present { verified_at, .. }) = (before, &mut observation) {
            if *verified_at < before.last_verified_at {
                return ObserveOutcome::Outdated;
            }
            others_go_first().await;
            let now = self.0.find_by_installation(id).await.unwrap().unwrap();
            *verified_at = (*verified_at).max(now.last_verified_at);
        }
        self.0.observe(id, observation).await.unwrap()
    }
}

/// Reads the row, then ends it, and tells both callers that it was them.
#[derive(Debug, Default)]
struct ReadsThenReleases(MemoryBindingRepo);

#[async_trait]
impl Wrong for ReadsThenReleases {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        at: OffsetDateTime,
    ) -> ReleaseOutcome {
        match self.0.find(organization).await.unwrap() {
            Some(row) if row.installation == id => {
                others_go_first().await;
                self.0.release(organization, id, at).await.unwrap();
                ReleaseOutcome::Released(row)
            }
            _ => ReleaseOutcome::NothingBound,
        }
    }
}

bites! {
    shared BindingRepo;
    check_then_insert: Repo(ChecksThenInserts::default()) =>
        races::of_installations_that_race_for_one_organization_one_is_bound,
        races::of_organizations_that_race_for_one_installation_one_gets_it,
        races::twins_that_race_are_all_answered_one_row,
        races::one_state_that_is_shown_for_two_installations_binds_one,
        races::what_is_released_in_a_race_goes_to_one;
    observations_that_are_compared_first: Repo(ComparesThenOverwrites::default()) =>
        races::of_observations_that_race_the_newest_stands;
    write_skew_between_a_bind_and_an_uninstall: Repo(KeepsUninstallsApart::default()) =>
        races::a_bind_that_races_an_uninstall_never_looks_alive;
    a_unique_violation_that_is_taken_for_a_conflict: Repo(TakesAViolationForAConflict::default()) =>
        races::twins_that_race_are_all_answered_one_row;
    a_loser_that_is_answered_its_own_row: Repo(AnswersTheLoserItsOwnRow::default()) =>
        races::of_installations_that_race_for_one_organization_one_is_bound,
        races::twins_that_race_are_all_answered_one_row;
    a_release_that_reads_first: Repo(ReadsThenReleases::default()) =>
        races::a_binding_is_released_once;
    a_state_that_is_free_again_at_once: Repo(ForgetsSpentStates::default()) =>
        races::one_state_makes_one_binding_ever_however_fast_it_is_released;
}
