//! Each port, with its calls measured.

use async_trait::async_trait;
use dockline::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, AppFacts, AppRegistration, BindingRepo, CodeGrant,
    ConfirmOutcome, DeliveryOutcome, DeliverySink, DeliveryStore, Directory, DirectoryQuery, EntryCursor,
    EntryFilter, GithubGateway, HistoryOf, InsertOutcome, KeyStore, ListOutcome, LookupOutcome, MintOutcome,
    Observation, Observed, Outbox, PutOutcome, RateLeft, RateLimitDecision, RateLimitRequest, RateLimiter,
    ReconcileCursor, ReconcileScope, ReleaseOutcome, ReserveOutcome, RetryOutcome, StateStore,
    UninstallOutcome, VisitorCheck, VisitorInstallations,
};
use dockline::{
    Actor, Backlog, Binding, CodeFate, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId,
    InstallationRecord, InstallationToken, InstallerRecord, IssuedState, KeyId, KeyRecord, Lease, MessageId,
    NewBinding, OrganizationId, OutboxEntry, OutboxMessage, PendingConfirmation, PortError, SecretDigest,
    StateDigest, StoredFacts, TenantDelivery, TokenScope, Verdict, VerifiedClaim, VerifiedDelivery,
};
use time::OffsetDateTime;

use crate::metered::{Metered, measured};
use crate::record::count_delivery;

#[async_trait]
impl<P: Admission> Admission for Metered<P> {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        measured("admission", "admit", self.0.admit(request)).await
    }
}

#[async_trait]
impl<P: KeyStore> KeyStore for Metered<P> {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        measured("key_store", "find", self.0.find(id)).await
    }
}

#[async_trait]
impl<P: RateLimiter> RateLimiter for Metered<P> {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        measured("rate_limiter", "check", self.0.check(request)).await
    }
}

#[async_trait]
impl<P: StateStore> StateStore for Metered<P> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        measured("state_store", "put", self.0.put(state)).await
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        measured("state_store", "find", self.0.find(organization, digest)).await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        measured("state_store", "find_by_digest", self.0.find_by_digest(digest)).await
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        measured("state_store", "save_pending", self.0.save_pending(digest, pending)).await
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        measured("state_store", "confirm_claim", self.0.confirm_claim(digest, ticket, claim)).await
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        measured("state_store", "revoke", self.0.revoke(digest, ticket)).await
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        measured("state_store", "reserve_code", self.0.reserve_code(digest, code)).await
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        measured("state_store", "settle_code", self.0.settle_code(digest, code, fate)).await
    }
}

#[async_trait]
impl<P: BindingRepo> BindingRepo for Metered<P> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        measured("binding_repo", "find", self.0.find(organization)).await
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        measured("binding_repo", "insert", self.0.insert(binding)).await
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        measured("binding_repo", "observe", self.0.observe(installation, observation)).await
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        measured("binding_repo", "installation", self.0.installation(installation)).await
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        recorded_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        measured(
            "binding_repo",
            "record_installer",
            self.0.record_installer(installation, record, recorded_at),
        )
        .await
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        measured("binding_repo", "installer", self.0.installer(installation)).await
    }

    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        measured("binding_repo", "postpone", self.0.postpone(installation, next_look_at)).await
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        measured("binding_repo", "due", self.0.due(scope, after, limit)).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        measured("binding_repo", "release", self.0.release(organization, installation, actor, released_at))
            .await
    }
}

#[async_trait]
impl<P: DeliverySink> DeliverySink for Metered<P> {
    async fn deliver<'a>(&self, delivery: TenantDelivery<'a>) -> Result<(), PortError> {
        measured("delivery_sink", "deliver", self.0.deliver(delivery)).await
    }
}

/// Also counts [`DELIVERIES_STORED`](crate::DELIVERIES_STORED).
#[async_trait]
impl<P: DeliveryStore> DeliveryStore for Metered<P> {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        let outcome = measured("delivery_store", "store", self.0.store(delivery)).await;
        count_delivery(outcome.as_ref().ok());
        outcome
    }
}

#[async_trait]
impl<P: Outbox> Outbox for Metered<P> {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError> {
        measured("outbox", "lease", self.0.lease(now, until)).await
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError> {
        measured("outbox", "renew", self.0.renew(lease, until)).await
    }

    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError> {
        measured("outbox", "read", self.0.read(lease, now, most, most_bytes)).await
    }

    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        measured("outbox", "settle", self.0.settle(lease, sequence, verdict)).await
    }

    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError> {
        measured("outbox", "release", self.0.release(lease, now)).await
    }

    async fn list(
        &self,
        filter: &EntryFilter,
        after: Option<EntryCursor>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, PortError> {
        measured("outbox", "list", self.0.list(filter, after, limit)).await
    }

    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError> {
        measured("outbox", "find", self.0.find(id)).await
    }

    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError> {
        measured("outbox", "retry", self.0.retry(id, now)).await
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        measured("outbox", "backlog", self.0.backlog()).await
    }
}

#[async_trait]
impl<P: GithubGateway> GithubGateway for Metered<P> {
    // Makes no network call: not measured.
    fn registration(&self) -> AppRegistration {
        self.0.registration()
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        measured("github_gateway", "app", self.0.app()).await
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        measured("github_gateway", "installation", self.0.installation(id)).await
    }

    async fn check_visitor(
        &self,
        grant: &CodeGrant,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        measured("github_gateway", "check_visitor", self.0.check_visitor(grant, installation)).await
    }

    async fn visitor_installations(&self, grant: &CodeGrant) -> Result<VisitorInstallations, PortError> {
        measured("github_gateway", "visitor_installations", self.0.visitor_installations(grant)).await
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        measured("github_gateway", "uninstall", self.0.uninstall(id)).await
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        measured("github_gateway", "mint", self.0.mint(id, scope)).await
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        measured("github_gateway", "revoke", self.0.revoke(token)).await
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        measured("github_gateway", "repositories", self.0.repositories(token, page)).await
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        measured("github_gateway", "installer", self.0.installer(id)).await
    }

    // Makes no network call: not measured.
    fn rate_left(&self) -> Option<RateLeft> {
        self.0.rate_left()
    }
}

#[async_trait]
impl<P: Directory> Directory for Metered<P> {
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError> {
        measured("directory", "list", self.0.list(query, limit)).await
    }

    async fn history(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, PortError> {
        measured("directory", "history", self.0.history(of, after, limit)).await
    }

    async fn facts(&self, installation: InstallationId) -> Result<Option<StoredFacts>, PortError> {
        measured("directory", "facts", self.0.facts(installation)).await
    }

    async fn record_facts(
        &self,
        installation: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError> {
        measured("directory", "record_facts", self.0.record_facts(installation, facts, asked_at)).await
    }
}
