//! Wrong accounts of what is kept of an installation.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{InstallationId, InstallationRecord, NewBinding, OrganizationId, Status};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::binding_repo::{knowing, model};
use dockline_testkit::fixtures::account;
use time::OffsetDateTime;

use super::{Repo, Wrong, over_memory};
use crate::bites;

over_memory! {
    /// Reads it off the binding.
    KnowsOnlyWhatIsBound,
    /// L-28: the other way round.
    ForgetsWhoIsBound,
    /// Joins what may not be there: an account.
    OverlooksWhatHasNoAccount,
    /// Blank columns become an account without a name.
    MakesUpAnAccount,
    /// The tombstone takes the row's place.
    ForgetsTheAccountAtTheEnd
}

#[async_trait]
impl Wrong for KnowsOnlyWhatIsBound {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        self.0.installation(id).await.unwrap().filter(|kept| kept.organization.is_some())
    }
}

#[async_trait]
impl Wrong for ForgetsWhoIsBound {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.0.installation(id).await.unwrap()?;
        Some(InstallationRecord { organization: None, ..kept })
    }
}

#[async_trait]
impl Wrong for OverlooksWhatHasNoAccount {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        self.0.installation(id).await.unwrap().filter(|kept| kept.account.is_some())
    }
}

#[async_trait]
impl Wrong for MakesUpAnAccount {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.0.installation(id).await.unwrap()?;
        let account = kept.account.clone().or_else(|| Some(account("")));
        Some(InstallationRecord { account, ..kept })
    }
}

#[async_trait]
impl Wrong for ForgetsTheAccountAtTheEnd {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.0
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.0.installation(id).await.unwrap()?;
        let account = kept.account.clone().filter(|_| kept.status != Status::Uninstalled);
        Some(InstallationRecord { account, ..kept })
    }
}

/// History shows through.
#[derive(Debug, Default)]
struct NamesWhoWasBound {
    memory: MemoryBindingRepo,
    last: Mutex<HashMap<InstallationId, OrganizationId>>,
}

#[async_trait]
impl Wrong for NamesWhoWasBound {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        let outcome = self.memory.insert(new).await.unwrap();
        if let InsertOutcome::Inserted(row) = &outcome {
            self.last.lock().unwrap().insert(row.installation, row.organization.clone());
        }
        outcome
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.memory.installation(id).await.unwrap()?;
        let organization = self.last.lock().unwrap().get(&id).cloned();
        Some(InstallationRecord { organization, ..kept })
    }
}

/// The time of an end that came alone is the last one that was said, or as it was said.
#[derive(Debug, Default)]
struct TakesTheTimeAsItComes {
    memory: MemoryBindingRepo,
    said: Mutex<HashMap<InstallationId, OffsetDateTime>>,
}

#[async_trait]
impl Wrong for TakesTheTimeAsItComes {
    fn memory(&self) -> &MemoryBindingRepo {
        &self.memory
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        if let Observation::Uninstalled { verified_at } = &observation {
            self.said.lock().unwrap().insert(id, *verified_at);
        }
        self.memory.observe(id, observation).await.unwrap()
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        let kept = self.memory.installation(id).await.unwrap()?;
        let said = self.said.lock().unwrap().get(&id).copied();
        Some(InstallationRecord { verified_at: said.unwrap_or(kept.verified_at), ..kept })
    }
}

bites! {
    BindingRepo;
    nothing_known_but_what_is_bound: Repo(KnowsOnlyWhatIsBound::default()) =>
        knowing::an_unbound_installation_is_known_by_what_github_said,
        knowing::a_released_installation_is_known_without_an_organization,
        knowing::an_installation_that_was_seen_only_as_gone_is_known_without_an_account,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    who_is_bound_forgotten: Repo(ForgetsWhoIsBound::default()) =>
        knowing::a_bound_installation_is_known_with_its_organization,
        knowing::an_uninstalled_installation_keeps_its_account_and_its_organization;
    who_was_bound_named: Repo(NamesWhoWasBound::default()) =>
        knowing::a_released_installation_is_known_without_an_organization,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    what_has_no_account_overlooked: Repo(OverlooksWhatHasNoAccount::default()) =>
        knowing::an_installation_that_was_seen_only_as_gone_is_known_without_an_account;
    an_account_made_up: Repo(MakesUpAnAccount::default()) =>
        knowing::an_installation_that_was_seen_only_as_gone_is_known_without_an_account;
    the_account_forgotten_at_the_end: Repo(ForgetsTheAccountAtTheEnd::default()) =>
        knowing::an_uninstalled_installation_keeps_its_account_and_its_organization,
        model::the_repository_agrees_with_a_plain_log_on_every_sequence;
    a_time_of_an_end_that_goes_back: Repo(TakesTheTimeAsItComes::default()) =>
        knowing::an_installation_that_was_seen_only_as_gone_is_known_without_an_account,
        knowing::what_is_known_is_kept_to_the_microsecond;
}
