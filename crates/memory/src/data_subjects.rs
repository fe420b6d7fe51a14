use std::fmt;

use async_trait::async_trait;
use dockline::ports::{DataSubjects, Forgotten, Pseudonyms};
use dockline::{AccountId, OrganizationId, PortError};
use time::OffsetDateTime;

use crate::{MemoryBindingRepo, MemoryKeyStore, MemoryStateStore};

/// Erases organizations and persons from these stores, one store after the other.
#[derive(Clone)]
pub struct MemoryDataSubjects {
    bindings: MemoryBindingRepo,
    states: MemoryStateStore,
    keys: MemoryKeyStore,
}

impl MemoryDataSubjects {
    /// Erases from these stores. Budgets stay: they end with the process.
    #[must_use]
    pub const fn new(bindings: MemoryBindingRepo, states: MemoryStateStore, keys: MemoryKeyStore) -> Self {
        Self { bindings, states, keys }
    }
}

impl fmt::Debug for MemoryDataSubjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDataSubjects").finish_non_exhaustive()
    }
}

#[async_trait]
impl DataSubjects for MemoryDataSubjects {
    async fn forget_organization(
        &self,
        organization: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        let api_keys = self.keys.remove_of(organization);
        let states = self.states.remove(|state| state.organization == *organization);
        let forgotten = self.bindings.forget_organization(organization, pseudonyms, at);
        Ok(Forgotten { api_keys, states, ..forgotten })
    }

    async fn forget_github_user(
        &self,
        user: AccountId,
        pseudonyms: &Pseudonyms,
        _: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        let states = self.states.remove(|state| {
            let answered = state.answered.as_ref().map(|answered| &answered.question.claim);
            let pending = state.pending.iter().map(|pending| &pending.claim);
            pending
                .chain(answered)
                .chain(&state.claim)
                .any(|claim| claim.visitor == user || claim.account == user)
        });
        let forgotten = self.bindings.forget_person(user, pseudonyms);
        Ok(Forgotten { states, ..forgotten })
    }
}
