//! Each port, called through its faults.

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, BindingRepo, GithubGateway, Insertion, KeyStore, Listing, Lookup, Minting,
    Observation, Observed, Proving, Put, RateLeft, RateLimiter, Release, Removal, StateStore, Take,
    Unverified, Verdict, Vouched,
};
use dockline::{
    AccountId, AuthorizationCode, Binding, InstallationId, InstallationToken, IssuedState, KeyId, KeyRecord,
    KnownInstallation, NewBinding, OrganizationId, PortError, PortName, SecretDigest, StateDigest, Tie,
    TokenScope, Visit,
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
    async fn put(&self, state: IssuedState) -> Result<Put, PortError> {
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

    async fn hold(&self, digest: &StateDigest, visit: Visit) -> Result<bool, PortError> {
        through!(self: StateStore.hold(digest, visit))
    }

    async fn vouch<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
        tie: Tie,
    ) -> Result<Vouched, PortError> {
        through!(self: StateStore.vouch(digest, ticket, tie))
    }

    async fn discard<'a>(
        &self,
        digest: &StateDigest,
        ticket: Option<&'a SecretDigest>,
    ) -> Result<bool, PortError> {
        through!(self: StateStore.discard(digest, ticket))
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

    async fn insert(&self, binding: NewBinding) -> Result<Insertion, PortError> {
        through!(self: BindingRepo.insert(binding))
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        through!(self: BindingRepo.observe(installation, observation))
    }

    async fn known(&self, installation: InstallationId) -> Result<Option<KnownInstallation>, PortError> {
        through!(self: BindingRepo.known(installation))
    }

    async fn note_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        through!(self: BindingRepo.note_installer(installation, installer, noted_at))
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError> {
        through!(self: BindingRepo.installer(installation))
    }

    async fn unverified_since(
        &self,
        before: OffsetDateTime,
        after: Option<Unverified>,
        limit: u32,
    ) -> Result<Vec<Unverified>, PortError> {
        through!(self: BindingRepo.unverified_since(before, after, limit))
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<Release, PortError> {
        through!(self: BindingRepo.release(organization, installation, released_at))
    }
}

#[async_trait]
impl RateLimiter for Faulty<dyn RateLimiter> {
    async fn take(&self, take: Take) -> Result<Verdict, PortError> {
        through!(self: RateLimiter.take(take))
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

    async fn installation(&self, id: InstallationId) -> Result<Lookup, PortError> {
        through!(self: GithubGateway.installation(id))
    }

    async fn prove(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<Proving, PortError> {
        through!(self: GithubGateway.prove(code, installation))
    }

    async fn uninstall(&self, id: InstallationId) -> Result<Removal, PortError> {
        through!(self: GithubGateway.uninstall(id))
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<Minting, PortError> {
        through!(self: GithubGateway.mint(id, scope))
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        through!(self: GithubGateway.revoke(token))
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<Listing, PortError> {
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
