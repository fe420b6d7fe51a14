mod directory;
mod forget;
mod operators;
mod row;
mod table;

use std::fmt;
use std::sync::MutexGuard;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, Forgotten, InsertOutcome, Observation, Observed, Pseudonyms, ReconcileCursor,
    ReconcileScope, ReleaseOutcome,
};
use dockline::{
    AccountId, Actor, Binding, InstallationId, InstallationRecord, InstallerRecord, NewBinding,
    OrganizationId, PortError, Proof, StateDigest,
};
use time::OffsetDateTime;

use crate::Shared;
pub use operators::MemoryTombstones;
pub(crate) use table::Bindings;

/// Stores bindings with their history, facts about installations, bound or not, and installers.
#[derive(Clone, Default)]
pub struct MemoryBindingRepo(pub(crate) Shared<Bindings>);

/// A binding as it was made, and its release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRecord {
    /// The installation that was bound.
    pub installation: InstallationId,
    /// How control of the installation was proven.
    pub proof: Proof,
    /// The visitor who proved it, if there was one.
    pub proven_by: Option<AccountId>,
    /// The actor who asked for the binding.
    pub actor: Actor,
    /// The state that the binding spent.
    pub spent: StateDigest,
    /// The time of the registration.
    pub registered_at: OffsetDateTime,
    /// The time of the release; `None` for the live binding.
    pub released_at: Option<OffsetDateTime>,
    /// The actor who asked for the release.
    pub released_by: Option<Actor>,
}

impl MemoryBindingRepo {
    /// An empty repository.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Locks the tables for a change, for whose id random bytes are drawn if the outbox is open.
    fn lock_for_change(&self) -> Result<MutexGuard<'_, Bindings>, PortError> {
        let mut tables = self.0.lock();
        if let Some(outbox) = &mut tables.outbox {
            outbox.draw()?;
        }
        Ok(tables)
    }

    pub(crate) fn forget_organization(
        &self,
        organization: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Forgotten {
        self.0.lock().forget_organization(organization, pseudonyms, at)
    }

    pub(crate) fn forget_person(&self, user: AccountId, pseudonyms: &Pseudonyms) -> Forgotten {
        self.0.lock().forget_person(user, pseudonyms)
    }

    /// Returns all bindings of the organization, oldest first. The live one, if any, is the last.
    #[must_use]
    pub fn history(&self, organization: &OrganizationId) -> Vec<BindingRecord> {
        self.0.lock().history(organization)
    }
}

impl fmt::Debug for MemoryBindingRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBindingRepo").finish_non_exhaustive()
    }
}

#[async_trait]
impl BindingRepo for MemoryBindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.lock().find(organization))
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        Ok(self.lock_for_change()?.insert(binding))
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        Ok(self.lock_for_change()?.observe(installation, observation))
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        Ok(self.0.lock().installation(installation))
    }

    /// Ignores the time, since nothing is purged.
    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        _: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.0.lock().record_installer(installation, record);
        Ok(())
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        Ok(self.0.lock().installer(installation))
    }

    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.0.lock().postpone(installation, next_look_at);
        Ok(())
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        Ok(self.0.lock().due(scope, after, limit))
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        Ok(self.lock_for_change()?.release(organization, installation, actor, released_at))
    }
}
