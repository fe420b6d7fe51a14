use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome,
};
use dockline::{
    AccountId, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, PortError,
};
use time::OffsetDateTime;

use super::{Metered, measured};

const PORT: &str = "binding_repo";

#[async_trait]
impl<P: BindingRepo> BindingRepo for Metered<P> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        measured(PORT, "find", self.0.find(organization)).await
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        measured(PORT, "insert", self.0.insert(binding)).await
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, PortError> {
        measured(PORT, "observe", self.0.observe(installation, observation)).await
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        measured(PORT, "installation", self.0.installation(installation)).await
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        measured(PORT, "record_installer", self.0.record_installer(installation, installer, noted_at)).await
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError> {
        measured(PORT, "installer", self.0.installer(installation)).await
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        measured(PORT, "stale", self.0.stale(before, after, limit)).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        measured(PORT, "release", self.0.release(organization, installation, released_at)).await
    }
}
