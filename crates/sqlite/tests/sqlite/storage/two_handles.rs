//! The conformance suites over two handles of one file that were opened independently, as by two processes: each call goes to the
//! other handle than the one before. So nothing may be cached, and concurrent calls meet at the lock of the file.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, ConfirmOutcome, InsertOutcome, Observation, Observed, PutOutcome, RateLimitDecision,
    RateLimitRequest, RateLimiter, ReconcileCursor, ReconcileScope, RedeliveryRequests, RedeliveryStore,
    ReleaseOutcome, ReserveOutcome, ScanPosition, StateStore,
};
use dockline::{
    Actor, Binding, CodeFate, InstallationId, InstallationRecord, InstallerRecord, IssuedState, NewBinding,
    OrganizationId, PendingConfirmation, PortError, SecretDigest, StateDigest, VerifiedClaim,
};
use dockline_sqlite::{
    AppNumber, SqliteBindingRepo, SqliteDatabase, SqliteRateLimiter, SqliteRedeliveryStore, SqliteStateStore,
};
use time::OffsetDateTime;

use crate::test_database::{self, TestFile};

fn first(database: &SqliteDatabase) -> dockline_sqlite::AppDatabase {
    database.with_app(AppNumber::FIRST)
}

dockline_testkit::binding_repo_suite!(async {
    alternating(|database| SqliteBindingRepo::new(&first(database))).await
});
dockline_testkit::state_store_suite!(async {
    alternating(|database| SqliteStateStore::new(&first(database))).await
});
dockline_testkit::rate_limiter_suite!(async { alternating(SqliteRateLimiter::new).await });
dockline_testkit::redelivery_store_suite!(async {
    alternating(|database| SqliteRedeliveryStore::new(&first(database))).await
});

#[derive(Debug)]
struct Alternating<P> {
    handles: [P; 2],
    calls: AtomicUsize,
}

async fn alternating<P>(adapter: impl Fn(&SqliteDatabase) -> P) -> (TestFile, Alternating<P>) {
    let (file, databases) = test_database::two_handles().await;
    (file, Alternating { handles: databases.each_ref().map(adapter), calls: AtomicUsize::new(0) })
}

impl<P> Alternating<P> {
    fn next(&self) -> &P {
        let [first, second] = &self.handles;
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { first } else { second }
    }
}

#[async_trait]
impl<P: RateLimiter> RateLimiter for Alternating<P> {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        self.next().check(request).await
    }
}

#[async_trait]
impl<P: RedeliveryStore> RedeliveryStore for Alternating<P> {
    async fn lease(
        &self,
        holder: u128,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<ScanPosition>, PortError> {
        self.next().lease(holder, now, until).await
    }

    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError> {
        self.next().release(holder, position).await
    }

    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError> {
        self.next().received(guids).await
    }

    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError> {
        self.next().requests(guids).await
    }

    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.next().record_request(guid, at, forget_before).await
    }
}

#[async_trait]
impl<P: BindingRepo> BindingRepo for Alternating<P> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        self.next().find(organization).await
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        self.next().insert(binding).await
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        self.next().observe(installation, observation).await
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        self.next().installation(installation).await
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        recorded_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.next().record_installer(installation, record, recorded_at).await
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        self.next().installer(installation).await
    }

    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.next().postpone(installation, next_look_at).await
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        self.next().due(scope, after, limit).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        self.next().release(organization, installation, actor, released_at).await
    }
}

#[async_trait]
impl<P: StateStore> StateStore for Alternating<P> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        self.next().put(state).await
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        self.next().find(organization, digest).await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        self.next().find_by_digest(digest).await
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        self.next().save_pending(digest, pending).await
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        self.next().confirm_claim(digest, ticket, claim).await
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        self.next().revoke(digest, ticket).await
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        self.next().reserve_code(digest, code).await
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        self.next().settle_code(digest, code, fate).await
    }
}
