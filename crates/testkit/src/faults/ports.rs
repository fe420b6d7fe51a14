//! Each port, called through its faults.

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, BindingRepo, ConfirmOutcome, GithubGateway, InsertOutcome, KeyStore,
    ListOutcome, LookupOutcome, MintOutcome, Observation, ObserveOutcome, PutOutcome, RateLeft,
    RateLimitDecision, RateLimitRequest, RateLimiter, ReconcileCursor, ReleaseOutcome, StateStore,
    UninstallOutcome, VisitorCheck,
};
use dockline::{
    AccountId, AuthorizationCode, Binding, InstallationId, InstallationRecord, InstallationToken,
    IssuedState, KeyId, KeyRecord, NewBinding, OrganizationId, PendingConfirmation, PortError, PortName,
    SecretDigest, StateDigest, TokenScope, VerifiedClaim,
};
use time::OffsetDateTime;

use super::Faulty;

/// `port.method(arguments)`, recorded and with what goes wrong.
macro_rules! through {
    ($self:ident: $port:ident.$method:ident($($argument:ident),*)) => {{
        let arguments = format!("{:?}", ($(&$argument,)*));
        let call = $self.port.$method($($argument),*);
        $self.through(PortName::$port, stringify!($method), arguments, call).await
    }};
}

#[async_trait]
impl KeyStore for Faulty<dyn KeyStore> {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        through!(self: KeyStore.find(id))
    }
}

#[async_trait]
impl StateStore for Faulty<dyn StateStore> {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        through!(self: StateStore.put(state))
    }

    async fn find(
        &self,
        organization: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        through!(self: StateStore.find(organization, digest))
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        through!(self: StateStore.find_by_digest(digest))
    }

    async fn save_pending(
        &self,
        digest: &StateDigest,
        pending: PendingConfirmation,
    ) -> Result<bool, PortError> {
        through!(self: StateStore.save_pending(digest, pending))
    }

    async fn confirm_claim<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        through!(self: StateStore.confirm_claim(digest, ticket, claim))
    }

    async fn revoke<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        through!(self: StateStore.revoke(digest, ticket))
    }
}

#[async_trait]
impl BindingRepo for Faulty<dyn BindingRepo> {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        through!(self: BindingRepo.find(organization))
    }

    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError> {
        through!(self: BindingRepo.find_by_installation(installation))
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        through!(self: BindingRepo.insert(binding))
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, PortError> {
        through!(self: BindingRepo.observe(installation, observation))
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        through!(self: BindingRepo.installation(installation))
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        through!(self: BindingRepo.record_installer(installation, installer, noted_at))
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError> {
        through!(self: BindingRepo.installer(installation))
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        through!(self: BindingRepo.stale(before, after, limit))
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        through!(self: BindingRepo.release(organization, installation, released_at))
    }
}

#[async_trait]
impl RateLimiter for Faulty<dyn RateLimiter> {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        through!(self: RateLimiter.check(request))
    }
}

#[async_trait]
impl GithubGateway for Faulty<dyn GithubGateway> {
    /// Asks nobody, so nothing can go wrong; recorded all the same.
    fn registration(&self) -> AppRegistration {
        self.record("registration", "()".into());
        self.port.registration()
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        through!(self: GithubGateway.app())
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        through!(self: GithubGateway.installation(id))
    }

    async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        through!(self: GithubGateway.check_visitor(code, installation))
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        through!(self: GithubGateway.uninstall(id))
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        through!(self: GithubGateway.mint(id, scope))
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        through!(self: GithubGateway.revoke(token))
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        through!(self: GithubGateway.repositories(token, page))
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError> {
        through!(self: GithubGateway.installer(id))
    }

    /// Asks nobody, so nothing can go wrong; recorded all the same.
    fn rate_left(&self) -> Option<RateLeft> {
        self.record("rate_left", "()".into());
        self.port.rate_left()
    }
}
