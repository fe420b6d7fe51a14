use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, Clock, CodeGrant, GithubGateway, ListOutcome, LookupOutcome, MintOutcome,
    RateLeft, SystemClock, UninstallOutcome, VisitorCheck, VisitorInstallations,
};
use dockline::{
    AppId, Installation, InstallationFacts, InstallationId, InstallationToken, InstalledOn, InstallerRecord,
    NewToken, PortError, PortErrorKind, PortName, TokenScope,
};
use time::Duration;

use crate::Tenant;

/// A gateway without a network: it shows the installation of every tenant and mints tokens. It has no visitors.
#[derive(Debug, Clone, Copy)]
pub struct OfflineGithub {
    app: AppId,
}

impl OfflineGithub {
    /// The gateway of this App.
    #[must_use]
    pub const fn new(app: AppId) -> Self {
        Self { app }
    }
}

fn failed(cause: impl Into<crate::Error>) -> PortError {
    PortError::new(PortName::GithubGateway, PortErrorKind::Unavailable, cause)
}

fn unsupported<T>() -> Result<T, PortError> {
    Err(failed("the benchmarks do not call this"))
}

#[async_trait]
impl GithubGateway for OfflineGithub {
    fn registration(&self) -> AppRegistration {
        AppRegistration {
            app: self.app,
            install_page: "https://github.example/apps/bench/installations/new".to_owned(),
            authorize_page: None,
        }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        unsupported()
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        let tenant = Tenant(id.get().saturating_sub(Tenant(0).installation()));
        Ok(LookupOutcome::Found(Installation {
            id,
            app: self.app,
            installed_on: InstalledOn::Account(tenant.account().map_err(failed)?),
            suspended: false,
            facts: InstallationFacts::default(),
        }))
    }

    async fn check_visitor(&self, _: &CodeGrant, _: InstallationId) -> Result<VisitorCheck, PortError> {
        unsupported()
    }

    async fn visitor_installations(&self, _: &CodeGrant) -> Result<VisitorInstallations, PortError> {
        unsupported()
    }

    async fn uninstall(&self, _: InstallationId) -> Result<UninstallOutcome, PortError> {
        unsupported()
    }

    async fn mint(&self, installation: InstallationId, _: &TokenScope) -> Result<MintOutcome, PortError> {
        let issued_at = SystemClock.now();
        Ok(MintOutcome::Minted(InstallationToken::new(NewToken {
            installation,
            secret: "ghs_bench".into(),
            issued_at,
            expires_at: issued_at + Duration::HOUR,
            web_origin: "https://github.example".to_owned(),
        })))
    }

    async fn revoke(&self, _: &InstallationToken) -> Result<(), PortError> {
        Ok(())
    }

    async fn repositories(&self, _: &InstallationToken, _: u32) -> Result<ListOutcome, PortError> {
        unsupported()
    }

    async fn installer(&self, _: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        Ok(None)
    }

    fn rate_left(&self) -> Option<RateLeft> {
        None
    }
}
