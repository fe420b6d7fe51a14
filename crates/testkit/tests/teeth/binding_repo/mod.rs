//! Wrong repositories.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Insertion, Observation, Release};
use dockline::{Binding, InstallationId, NewBinding, OrganizationId, PortError};
use dockline_memory::MemoryBindingRepo;
use time::OffsetDateTime;

mod answers;
mod facts;
mod races;

/// The memory repository, but for what is overridden.
#[async_trait]
pub(crate) trait Wrong: Debug + Send + Sync + 'static {
    fn memory(&self) -> &MemoryBindingRepo;

    async fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.memory().find(organization).await.unwrap()
    }

    async fn find_by_installation(&self, id: InstallationId) -> Option<Binding> {
        self.memory().find_by_installation(id).await.unwrap()
    }

    async fn insert(&self, new: NewBinding) -> Insertion {
        self.memory().insert(new).await.unwrap()
    }

    async fn observe(&self, id: InstallationId, observation: Observation) {
        self.memory().observe(id, observation).await.unwrap();
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        at: OffsetDateTime,
    ) -> Release {
        self.memory().release(organization, id, at).await.unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Repo<W>(pub(crate) W);

#[async_trait]
impl<W: Wrong> BindingRepo for Repo<W> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.find(organization).await)
    }

    async fn find_by_installation(&self, id: InstallationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.find_by_installation(id).await)
    }

    async fn insert(&self, new: NewBinding) -> Result<Insertion, PortError> {
        Ok(self.0.insert(new).await)
    }

    async fn observe(&self, id: InstallationId, observation: Observation) -> Result<(), PortError> {
        self.0.observe(id, observation).await;
        Ok(())
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        id: InstallationId,
        at: OffsetDateTime,
    ) -> Result<Release, PortError> {
        Ok(self.0.release(organization, id, at).await)
    }
}
