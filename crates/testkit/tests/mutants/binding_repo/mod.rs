//! Wrong repositories.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, Observed, ReconcileCursor, ReconcileScope,
    ReleaseOutcome,
};
use dockline::{
    Actor, Binding, Change, InstallationId, InstallationRecord, InstallerRecord, NewBinding, OrganizationId,
    PortError,
};
use dockline_memory::MemoryBindingRepo;
use time::OffsetDateTime;

mod answers;
mod life;
pub(crate) mod nodes;
mod observation_races;
mod races;

/// The memory repository, except for the methods that a mutant overrides.
#[async_trait]
pub(crate) trait Mutant: Debug + Send + Sync + 'static {
    fn memory(&self) -> &MemoryBindingRepo;

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.memory().find(organization).await.unwrap()
    }

    async fn insert(&self, new: NewBinding) -> InsertOutcome {
        self.memory().insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> ObserveOutcome {
        self.memory().observe(id, observation).await.unwrap().outcome
    }

    async fn installation(&self, id: InstallationId) -> Option<InstallationRecord> {
        self.memory().installation(id).await.unwrap()
    }

    async fn record_installer(&self, id: InstallationId, record: InstallerRecord, noted_at: OffsetDateTime) {
        self.memory().record_installer(id, record, noted_at).await.unwrap();
    }

    async fn installer(&self, id: InstallationId) -> Option<InstallerRecord> {
        self.memory().installer(id).await.unwrap()
    }

    async fn postpone(&self, id: InstallationId, next_look_at: OffsetDateTime) {
        self.memory().postpone(id, next_look_at).await.unwrap();
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Vec<ReconcileCursor> {
        self.memory().due(scope, after, limit).await.unwrap()
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        actor: &Actor,
        at: OffsetDateTime,
    ) -> ReleaseOutcome {
        self.memory().release(organization, id, actor, at).await.unwrap()
    }
}

/// A mutant as a repository.
#[derive(Debug)]
pub(crate) struct Repo<M>(pub(crate) M);

#[async_trait]
impl<M: Mutant> BindingRepo for Repo<M> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.find(organization).await)
    }

    async fn insert(&self, new: NewBinding) -> Result<InsertOutcome, PortError> {
        Ok(self.0.insert(new).await)
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> Result<Observed, PortError> {
        let before = self.0.installation(id).await;
        let outcome = self.0.observe(id, observation).await;
        let after = self.0.installation(id).await;
        let change = after.and_then(|after| Change::between(id, before.as_ref(), &after));
        Ok(Observed { outcome, change })
    }

    async fn installation(&self, id: InstallationId) -> Result<Option<InstallationRecord>, PortError> {
        Ok(self.0.installation(id).await)
    }

    async fn record_installer(
        &self,
        id: InstallationId,
        record: InstallerRecord,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.0.record_installer(id, record, noted_at).await;
        Ok(())
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        Ok(self.0.installer(id).await)
    }

    async fn postpone(&self, id: InstallationId, next_look_at: OffsetDateTime) -> Result<(), PortError> {
        self.0.postpone(id, next_look_at).await;
        Ok(())
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        Ok(self.0.due(scope, after, limit).await)
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        actor: &Actor,
        at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        Ok(self.0.release(organization, id, actor, at).await)
    }
}

/// The live binding to an installation.
async fn bound(memory: &MemoryBindingRepo, id: InstallationId) -> Option<Binding> {
    let organization = memory.installation(id).await.unwrap()?.organization?;
    memory.find(&organization).await.unwrap()
}
