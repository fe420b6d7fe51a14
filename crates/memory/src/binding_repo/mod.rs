mod record;
mod row;
mod table;

use std::fmt;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome,
};
use dockline::{
    AccountId, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, PortError,
};
use time::OffsetDateTime;

pub use record::BindingRecord;

use crate::shared::Shared;
use table::Bindings;

/// Bindings and what is known of the installations that they are to: one row per installation, bound or not, a record of
/// every binding there ever was, and who installed what.
#[derive(Clone, Default)]
pub struct MemoryBindingRepo(Shared<Bindings>);

impl MemoryBindingRepo {
    /// A repository that holds nothing and knows of no installation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every binding that the organization ever had, oldest first; the live one, if there is one, is the last.
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

    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.lock().find_by_installation(installation))
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        Ok(self.0.lock().insert(binding))
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, PortError> {
        Ok(self.0.lock().observe(installation, observation))
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        Ok(self.0.lock().installation(installation))
    }

    /// When it was noted is of no use here: nothing is purged.
    async fn record_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        _noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.0.lock().record_installer(installation, installer);
        Ok(())
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError> {
        Ok(self.0.lock().installer(installation))
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        Ok(self.0.lock().stale(before, after, limit))
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        Ok(self.0.lock().release(organization, installation, released_at))
    }
}
