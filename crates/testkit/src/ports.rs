//! Every port, called through its faults or over two handles.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use dockline::ports::{
    Admission, AdmissionAnswer, AdmissionRequest, AppFacts, AppRegistration, BindingRepo, CodeGrant,
    ConfirmOutcome, DeliveryOutcome, DeliverySink, DeliveryStore, Directory, DirectoryQuery, EntryCursor,
    EntryFilter, GithubGateway, HistoryOf, InsertOutcome, KeyStore, ListOutcome, LookupOutcome, MintOutcome,
    Observation, Observed, Outbox, PutOutcome, RateLeft, RateLimitDecision, RateLimitRequest, RateLimiter,
    ReconcileCursor, ReconcileScope, RedeliveryRequests, RedeliveryStore, ReleaseOutcome, ReserveOutcome,
    RetryOutcome, ScanPosition, StateStore, UninstallOutcome, VisitorCheck, VisitorInstallations,
};
use dockline::{
    Actor, Backlog, Binding, CodeFate, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId,
    InstallationRecord, InstallationToken, InstallerRecord, IssuedState, KeyId, KeyRecord, Lease, MessageId,
    NewBinding, OrganizationId, OutboxEntry, OutboxMessage, PendingConfirmation, PortError, PortName,
    SecretDigest, StateDigest, StoredFacts, TenantDelivery, TokenScope, Verdict, VerifiedClaim,
    VerifiedDelivery,
};
use time::OffsetDateTime;

use crate::faults::Faulty;
use crate::handles::TwoHandles;

/// Implements a port for `Faulty`: asynchronous methods go through the faults; those after `direct` are only recorded,
/// because they make no call that can fail. And for `TwoHandles`: each call goes to the other handle than the one before.
macro_rules! wrapped {
    (
        $port:ident {
            $(async $method:ident $(<$lifetime:lifetime>)? ($($argument:ident: $type:ty),*) -> $output:ty;)*
            $(direct $direct:ident() -> $direct_output:ty;)*
        }
    ) => {
        #[async_trait]
        impl $port for Faulty<dyn $port> {
            $(
                async fn $method $(<$lifetime>)? (&self, $($argument: $type),*) -> Result<$output, PortError> {
                    let arguments = format!("{:?}", ($(&$argument,)*));
                    let call = self.port.$method($($argument),*);
                    self.call(PortName::$port, stringify!($method), arguments, call).await
                }
            )*
            $(
                fn $direct(&self) -> $direct_output {
                    self.record(stringify!($direct), "()".into());
                    self.port.$direct()
                }
            )*
        }

        #[async_trait]
        impl $port for TwoHandles<dyn $port> {
            $(
                async fn $method $(<$lifetime>)? (&self, $($argument: $type),*) -> Result<$output, PortError> {
                    let call = format!(concat!(stringify!($method), "{:?}"), ($(&$argument,)*));
                    let answer = self.next().$method($($argument),*).await;
                    self.record(format!("{call} -> {answer:?}"));
                    answer
                }
            )*
            $(
                fn $direct(&self) -> $direct_output {
                    self.next().$direct()
                }
            )*
        }
    };
}

wrapped! {
    Admission {
        async admit(request: AdmissionRequest) -> AdmissionAnswer;
    }
}

wrapped! {
    KeyStore {
        async find(id: &KeyId) -> Option<KeyRecord>;
    }
}

wrapped! {
    StateStore {
        async put(state: IssuedState) -> PutOutcome;
        async find(organization: &OrganizationId, digest: &StateDigest) -> Option<IssuedState>;
        async find_by_digest(digest: &StateDigest) -> Option<IssuedState>;
        async save_pending(digest: &StateDigest, pending: PendingConfirmation) -> bool;
        async confirm_claim(
            digest: &StateDigest, ticket: Option<SecretDigest>, claim: VerifiedClaim
        ) -> ConfirmOutcome;
        async revoke(digest: &StateDigest, ticket: Option<SecretDigest>) -> bool;
        async reserve_code(digest: &StateDigest, code: &SecretDigest) -> ReserveOutcome;
        async settle_code(digest: &StateDigest, code: &SecretDigest, fate: CodeFate) -> ();
    }
}

wrapped! {
    BindingRepo {
        async find(organization: &OrganizationId) -> Option<Binding>;
        async insert(binding: NewBinding) -> InsertOutcome;
        async observe(installation: InstallationId, observation: Observation) -> Observed;
        async installation(installation: InstallationId) -> Option<InstallationRecord>;
        async record_installer(
            installation: InstallationId, record: InstallerRecord, noted_at: OffsetDateTime
        ) -> ();
        async installer(installation: InstallationId) -> Option<InstallerRecord>;
        async postpone(installation: InstallationId, next_look_at: OffsetDateTime) -> ();
        async due(
            scope: ReconcileScope, after: Option<ReconcileCursor>, limit: u32
        ) -> Vec<ReconcileCursor>;
        async release(
            organization: &OrganizationId, installation: InstallationId, actor: &Actor, released_at: OffsetDateTime
        ) -> ReleaseOutcome;
    }
}

wrapped! {
    RateLimiter {
        async check(request: RateLimitRequest) -> RateLimitDecision;
    }
}

wrapped! {
    GithubGateway {
        async app() -> AppFacts;
        async installation(id: InstallationId) -> LookupOutcome;
        async check_visitor(grant: &CodeGrant, installation: InstallationId) -> VisitorCheck;
        async visitor_installations(grant: &CodeGrant) -> VisitorInstallations;
        async uninstall(id: InstallationId) -> UninstallOutcome;
        async mint(id: InstallationId, scope: &TokenScope) -> MintOutcome;
        async revoke(token: &InstallationToken) -> ();
        async repositories(token: &InstallationToken, page: u32) -> ListOutcome;
        async installer(id: InstallationId) -> Option<InstallerRecord>;
        direct registration() -> AppRegistration;
        direct rate_left() -> Option<RateLeft>;
    }
}

wrapped! {
    Directory {
        async list(query: &DirectoryQuery, limit: u32) -> Vec<Binding>;
        async history(of: &HistoryOf, after: Option<HistoryCursor>, limit: u32) -> Vec<HistoryEntry>;
        async facts(installation: InstallationId) -> Option<StoredFacts>;
        async record_facts(
            installation: InstallationId, facts: &InstallationFacts, asked_at: Option<OffsetDateTime>
        ) -> ();
    }
}

wrapped! {
    DeliverySink {
        async deliver<'a>(delivery: TenantDelivery<'a>) -> ();
    }
}

wrapped! {
    DeliveryStore {
        async store<'a>(delivery: VerifiedDelivery<'a>) -> DeliveryOutcome;
    }
}

wrapped! {
    Outbox {
        async lease(now: OffsetDateTime, until: OffsetDateTime) -> Option<Lease>;
        async renew(lease: &Lease, until: OffsetDateTime) -> bool;
        async read(lease: &Lease, now: OffsetDateTime, most: u32, most_bytes: u64) -> Vec<OutboxMessage>;
        async settle(lease: &Lease, sequence: u64, verdict: Verdict) -> bool;
        async release(lease: &Lease, now: OffsetDateTime) -> ();
        async list(filter: &EntryFilter, after: Option<EntryCursor>, limit: u32) -> Vec<OutboxEntry>;
        async find(id: &MessageId) -> Option<OutboxMessage>;
        async retry(id: &MessageId, now: OffsetDateTime) -> RetryOutcome;
        async backlog() -> Backlog;
    }
}

wrapped! {
    RedeliveryStore {
        async lease(holder: u128, now: OffsetDateTime, until: OffsetDateTime) -> Option<ScanPosition>;
        async release(holder: u128, position: &ScanPosition) -> bool;
        async received(guids: &[String]) -> HashSet<String>;
        async requests(guids: &[String]) -> HashMap<String, RedeliveryRequests>;
        async record_request(guid: &str, at: OffsetDateTime, forget_before: OffsetDateTime) -> ();
    }
}
