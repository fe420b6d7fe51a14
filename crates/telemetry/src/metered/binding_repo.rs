use async_trait::async_trait;
use dockline::ports::{BindingRepo, Insertion, Observation, Observed, Release, Unverified};
use dockline::{
    AccountId, Binding, InstallationId, KnownInstallation, NewBinding, OrganizationId, PortError,
};
use time::OffsetDateTime;

use super::{Metered, measured};

const PORT: &str = "binding_repo";

#[async_trait]
impl BindingRepo for Metered<dyn BindingRepo> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        measured(PORT, "find", self.0.find(organization)).await
    }

    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError> {
        measured(PORT, "find_by_installation", self.0.find_by_installation(installation)).await
    }

    async fn insert(&self, binding: NewBinding) -> Result<Insertion, PortError> {
        measured(PORT, "insert", self.0.insert(binding)).await
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        measured(PORT, "observe", self.0.observe(installation, observation)).await
    }

    async fn known(&self, installation: InstallationId) -> Result<Option<KnownInstallation>, PortError> {
        measured(PORT, "known", self.0.known(installation)).await
    }

    async fn note_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        measured(PORT, "note_installer", self.0.note_installer(installation, installer, noted_at)).await
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError> {
        measured(PORT, "installer", self.0.installer(installation)).await
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Result<Vec<Unverified>, PortError> {
        measured(PORT, "unverified_since", self.0.unverified_since(before, after, limit)).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<Release, PortError> {
        measured(PORT, "release", self.0.release(organization, installation, released_at)).await
    }
}
