use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck,
};
use dockline::{AccountId, AuthorizationCode, InstallationId, InstallationToken, PortError, TokenScope};
use tokio::time::timeout;
use tracing::Instrument;

use crate::api::Api;
use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::fault::GithubFault;
use crate::our_app::OurApp;
use crate::prove::Prover;
use crate::token::{self, Mint};
use crate::{deliveries, repositories};

/// A GitHub App, as which Dockline talks to GitHub: the adapter of the core's port [`GithubGateway`].
///
/// Cheap to clone; clones share connections, the JWT, and the pauses that GitHub asks for. Two of different
/// configurations share nothing (lesson L-37). Its futures need a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct GithubApp {
    registration: AppRegistration,
    app: OurApp,
    mint: Arc<Mint>,
    prover: Option<Arc<Prover>>,
    /// For what is several requests.
    budget: Duration,
}

impl GithubApp {
    /// Checks the configuration and parses the private key; asks nobody. Whether GitHub accepts it all is what
    /// [`GithubGateway::app`] tells.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to mend.
    pub fn new(config: GithubAppConfig) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        let api = Arc::new(Api::new(&config)?);
        let registration = AppRegistration {
            app: config.app,
            install_page: config.host.install_page(&config.slug),
            authorize_page: config.oauth.as_ref().map(|(client_id, _)| config.host.authorize_page(client_id)),
        };
        let app = OurApp { api: Arc::clone(&api), id: config.app };
        let mint = Arc::new(Mint {
            app: app.clone(),
            web_origin: config.host.web().to_owned(),
            stateless: config.stateless_tokens,
        });
        let budget = config.timeout.saturating_mul(3);
        let prover = config.oauth.map(|(client_id, client_secret)| {
            Arc::new(Prover {
                api: Arc::clone(&api),
                app: config.app,
                client_id,
                client_secret,
                budget,
                warned: AtomicBool::new(false),
            })
        });
        Ok(Self { registration, app, mint, prover, budget })
    }

    pub(crate) const fn our_app(&self) -> &OurApp {
        &self.app
    }
}

#[async_trait]
impl GithubGateway for GithubApp {
    fn registration(&self) -> AppRegistration {
        self.registration.clone()
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        Ok(self.app.me().await?.try_into()?)
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        Ok(self.app.look_up(id).await?)
    }

    async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        let prover = Arc::clone(self.prover.as_ref().ok_or(GithubFault::NoOauthClient)?);
        let code = code.clone();
        // The exchange, too, is in the task: cut between GitHub's answer and ours, it would leave a token behind.
        let proof = async move { prover.check_visitor(&code, installation).await }.in_current_span();
        Ok(tokio::spawn(proof).await.map_err(|_| GithubFault::TaskEnded)??)
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        Ok(self.app.remove(id).await?)
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        Ok(self.mint.mint(id, scope).await?)
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        Ok(token::revoke(&self.app.api, token).await?)
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        Ok(repositories::list(&self.app.api, token, page).await?)
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError> {
        let search = timeout(self.budget, deliveries::installer(&self.app, id)).await;
        Ok(search.map_err(|_| GithubFault::TimedOut)??)
    }

    fn rate_left(&self) -> Option<RateLeft> {
        self.app.api.rate_left()
    }
}

impl fmt::Debug for GithubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubApp").field("registration", &self.registration).finish_non_exhaustive()
    }
}
