//! Wrong answers to inserts, finds and releases.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, InsertOutcome, Observation, ReleaseOutcome};
use dockline::{Binding, InstallationId, NewBinding, OrganizationId, StateDigest};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{finding, inserting, model, releasing};
use dockline_testkit::fixtures::{digest, seconds, unique};
use time::OffsetDateTime;

use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// L-06: an upsert by installation.
    MovesTheBinding,
    /// I4: an upsert by organization and installation.
    RenewsTheGrant,
    /// I5: the second installation takes the place of the first.
    ReplacesTheBinding,
    /// L-64: the answer is what was tried.
    KeepsNanoseconds,
    /// I3: the spent state goes with the binding.
    ForgetsSpentStates,
    /// I3 from the other side: whoever spends a state spends it for all.
    SpendsForEverybody,
    /// A refused insert leaves its facts behind.
    LearnsFromRefusals,
    /// L-63
    HasNarrowColumns,
    /// A collation that folds case.
    FoldsCase,
    /// L-08
    FlattensProofs,
    /// Releases by installation alone.
    ReleasesForAnybody,
    /// Releases by organization alone.
    ReleasesWhateverIsBound
}

#[async_trait]
impl Wrong for MovesTheBinding {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let outcome = self.0.insert(new.clone()).await.unwrap();
        if outcome != InsertOutcome::Taken {
            return outcome;
        }
        let row = self.0.find_by_installation(new.installation).await.unwrap().unwrap();
        self.0.release(&row.organization, row.installation, new.registered_at).await.unwrap();
        self.0.insert(new).await.unwrap()
    }
}

#[async_trait]
impl Wrong for RenewsTheGrant {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.0.insert(new.clone()).await.unwrap() {
            InsertOutcome::Occupied(row) if row.installation == new.installation => {
                InsertOutcome::Occupied(Binding { registered_at: new.registered_at, ..row })
            }
            other => other,
        }
    }
}

#[async_trait]
impl Wrong for ReplacesTheBinding {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.0.insert(new.clone()).await.unwrap() {
            InsertOutcome::Occupied(row) if row.installation != new.installation => {
                self.0.release(&row.organization, row.installation, new.registered_at).await.unwrap();
                self.0.insert(new).await.unwrap()
            }
            other => other,
        }
    }
}

#[async_trait]
impl Wrong for KeepsNanoseconds {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        match self.0.insert(new.clone()).await.unwrap() {
            InsertOutcome::Inserted(row) => {
                InsertOutcome::Inserted(Binding { registered_at: new.registered_at, ..row })
            }
            other => other,
        }
    }
}

#[async_trait]
impl Wrong for ForgetsSpentStates {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let spent = digest(&format!("never seen {}", unique()));
        self.0.insert(NewBinding { spent, ..new }).await.unwrap()
    }
}

#[async_trait]
impl Wrong for LearnsFromRefusals {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let outcome = self.0.insert(new.clone()).await.unwrap();
        if !matches!(outcome, InsertOutcome::Inserted(_)) {
            let NewBinding { installation, status, account, last_verified_at: verified_at, .. } = new;
            let observation = Observation::Present { status, account, verified_at };
            self.0.observe(installation, observation).await.unwrap();
        }
        outcome
    }
}

#[async_trait]
impl Wrong for HasNarrowColumns {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        let mut row = self.0.find(organization).await.unwrap()?;
        let narrow = row.installation.get() & u64::from(u32::MAX) >> 1;
        row.installation = InstallationId::new(narrow).unwrap();
        Some(row)
    }
}

fn folded(organization: &OrganizationId) -> OrganizationId {
    OrganizationId::new(organization.as_str().to_lowercase()).unwrap()
}

#[async_trait]
impl Wrong for FoldsCase {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.0.find(&folded(organization)).await.unwrap()
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let organization = folded(&new.organization);
        self.0.insert(NewBinding { organization, ..new }).await.unwrap()
    }
}

#[async_trait]
impl Wrong for FlattensProofs {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        self.0.insert(NewBinding { proof: dockline::Proof::Administered, ..new }).await.unwrap()
    }
}

#[async_trait]
impl Wrong for SpendsForEverybody {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        // One set of spent states for all, kept in memory's own, under one organization's name.
        let ledger = OrganizationId::new("ledger").unwrap();
        let number = InstallationId::new(unique()).unwrap();
        let entry = NewBinding { organization: ledger.clone(), installation: number, ..new.clone() };
        if self.0.insert(entry).await.unwrap() == InsertOutcome::Spent {
            return InsertOutcome::Spent;
        }
        self.0.release(&ledger, number, seconds(0)).await.unwrap();
        self.0.insert(new).await.unwrap()
    }
}

#[async_trait]
impl Wrong for ReleasesForAnybody {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn release(&self, _: &OrganizationId, id: InstallationId, at: OffsetDateTime) -> ReleaseOutcome {
        match self.0.find_by_installation(id).await.unwrap() {
            Some(row) => self.0.release(&row.organization, id, at).await.unwrap(),
            None => ReleaseOutcome::NothingBound,
        }
    }
}

#[async_trait]
impl Wrong for ReleasesWhateverIsBound {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        _: InstallationId,
        at: OffsetDateTime,
    ) -> ReleaseOutcome {
        match self.0.find(organization).await.unwrap() {
            Some(row) => self.0.release(organization, row.installation, at).await.unwrap(),
            None => ReleaseOutcome::NothingBound,
        }
    }
}

/// A find that sees history.
#[derive(Debug, Default)]
struct FindsReleasedRows {
    memory: MemoryBindingRepo,
    released: Mutex<HashMap<InstallationId, Binding>>,
}

#[async_trait]
impl Wrong for FindsReleasedRows {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn find_by_installation(&self, id: InstallationId) -> Option<Binding> {
        let live = self.memory.find_by_installation(id).await.unwrap();
        live.or_else(|| self.released.lock().unwrap().get(&id).cloned())
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        at: OffsetDateTime,
    ) -> ReleaseOutcome {
        let outcome = self.memory.release(organization, id, at).await.unwrap();
        if let ReleaseOutcome::Released(row) = &outcome {
            self.released.lock().unwrap().insert(id, row.clone());
        }
        outcome
    }
}

/// Conditions in another order than the contract's.
#[derive(Debug, Default)]
struct AsksForTheStateFirst {
    memory: MemoryBindingRepo,
    spent: Mutex<Vec<(OrganizationId, StateDigest)>>,
}

#[async_trait]
impl Wrong for AsksForTheStateFirst {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let pair = (new.organization.clone(), new.spent);
        let bound = self.memory.find(&new.organization).await.unwrap().is_some();
        if !bound && self.spent.lock().unwrap().contains(&pair) {
            return InsertOutcome::Spent;
        }
        let outcome = self.memory.insert(new).await.unwrap();
        if matches!(outcome, InsertOutcome::Inserted(_)) {
            self.spent.lock().unwrap().push(pair);
        }
        outcome
    }
}

bites! {
    BindingRepo;
    an_upsert_that_moves_the_binding: Repo(MovesTheBinding::default()) =>
        inserting::an_installation_of_another_organization_is_taken,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    an_upsert_that_renews_registered_at: Repo(RenewsTheGrant::default()) =>
        inserting::a_repeated_insert_answers_the_first_row,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_second_installation_that_replaces_the_first: Repo(ReplacesTheBinding::default()) =>
        inserting::an_organization_that_is_bound_to_another_installation_is_occupied;
    nanoseconds_that_are_kept: Repo(KeepsNanoseconds::default()) =>
        finding::times_are_kept_to_the_microsecond,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_state_that_can_be_used_again_after_a_release: Repo(ForgetsSpentStates::default()) =>
        inserting::a_state_that_was_spent_on_a_released_binding_is_spent,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_state_that_is_spent_for_everybody: Repo(SpendsForEverybody::default()) =>
        inserting::a_state_of_another_organization_is_not_spent;
    a_refused_insert_that_teaches: Repo(LearnsFromRefusals::default()) =>
        inserting::a_refused_insert_changes_nothing,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    columns_of_32_bits: Repo(HasNarrowColumns::default()) =>
        finding::numbers_beyond_32_bits_are_kept;
    a_collation_that_folds_case: Repo(FoldsCase::default()) =>
        finding::an_organization_is_matched_by_the_letter;
    proofs_that_are_flattened: Repo(FlattensProofs::default()) =>
        inserting::every_kind_of_row_is_kept;
    a_release_for_anybody: Repo(ReleasesForAnybody::default()) =>
        releasing::another_organization_releases_nothing,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_release_of_whatever_is_bound: Repo(ReleasesWhateverIsBound::default()) =>
        releasing::another_installation_than_the_bound_one_is_not_released;
    a_find_that_sees_history: Repo(FindsReleasedRows::default()) =>
        releasing::a_release_answers_the_binding_as_it_stood;
    conditions_in_another_order: Repo(AsksForTheStateFirst::default()) =>
        inserting::taken_comes_before_gone_and_spent,
        inserting::gone_comes_before_spent,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
}
