//! One App beside another one in the same store, whose rows must never show.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, ConfirmOutcome, InsertOutcome, Observation, Observed, PutOutcome, ReconcileCursor,
    ReconcileScope, ReleaseOutcome, ReserveOutcome, StateStore,
};
use dockline::{
    Actor, Binding, CodeFate, InstallationId, InstallationRecord, InstallerRecord, IssuedState, NewBinding,
    OrganizationId, PendingConfirmation, PortError, SecretDigest, StateDigest, VerifiedClaim,
};
use time::OffsetDateTime;

use crate::fixtures::account_id;

/// Forwards each call to the adapter of another App, and then to that of the tested one, so that the store has the same
/// organizations, installations and states twice (I35). `BesideAnotherApp<dyn BindingRepo>` is a `BindingRepo`.
pub struct BesideAnotherApp<P: ?Sized> {
    other: Arc<P>,
    tested: Arc<P>,
}

impl<P: ?Sized> BesideAnotherApp<P> {
    /// Tests `tested` beside `other`, an adapter for another App of the same store.
    pub const fn new(other: Arc<P>, tested: Arc<P>) -> Self {
        Self { other, tested }
    }
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for BesideAnotherApp<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BesideAnotherApp").field("other", &self.other).field("tested", &self.tested).finish()
    }
}

#[async_trait]
impl BindingRepo for BesideAnotherApp<dyn BindingRepo> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        self.other.find(organization).await?;
        self.tested.find(organization).await
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        self.other.insert(binding.clone()).await?;
        self.tested.insert(binding).await
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        self.other.observe(installation, observation.clone()).await?;
        self.tested.observe(installation, observation).await
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        self.other.installation(installation).await?;
        self.tested.installation(installation).await
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        recorded_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        // The first installer is kept, so another one would show in the tested App.
        let another = account_id(if record.installer.get() == 1 { 2 } else { 1 });
        let other = InstallerRecord { installer: another, ..record };
        self.other.record_installer(installation, other, recorded_at).await?;
        self.tested.record_installer(installation, record, recorded_at).await
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        self.other.installer(installation).await?;
        self.tested.installer(installation).await
    }

    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.other.postpone(installation, next_look_at).await?;
        self.tested.postpone(installation, next_look_at).await
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        self.other.due(scope, after, limit).await?;
        self.tested.due(scope, after, limit).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        let released = self.tested.release(organization, installation, actor, released_at).await;
        self.other.release(organization, installation, actor, released_at).await?;
        released
    }
}

#[async_trait]
impl StateStore for BesideAnotherApp<dyn StateStore> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        self.other.put(state.clone()).await?;
        self.tested.put(state).await
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        self.other.find(organization, digest).await?;
        self.tested.find(organization, digest).await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        self.other.find_by_digest(digest).await?;
        self.tested.find_by_digest(digest).await
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        self.other.save_pending(digest, pending).await?;
        self.tested.save_pending(digest, pending).await
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        self.other.confirm_claim(digest, ticket, claim).await?;
        self.tested.confirm_claim(digest, ticket, claim).await
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        self.other.revoke(digest, ticket).await?;
        self.tested.revoke(digest, ticket).await
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        self.other.reserve_code(digest, code).await?;
        self.tested.reserve_code(digest, code).await
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        self.other.settle_code(digest, code, fate).await?;
        self.tested.settle_code(digest, code, fate).await
    }
}
