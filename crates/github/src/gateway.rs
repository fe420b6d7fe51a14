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

use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::github_error::GithubError;
use crate::http::Api;
use crate::operations::{self, AppClient, TokenMinter, VisitorChecker};

/// A GitHub App's access to GitHub: the adapter of the core's port [`GithubGateway`].
///
/// Cheap to clone. Clones share connections, the JWT and rate-limit pauses; instances built separately share nothing. Its
/// futures need a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct GithubApp {
    registration: AppRegistration,
    app: AppClient,
    minter: Arc<TokenMinter>,
    visitor_checker: Option<Arc<VisitorChecker>>,
    /// For operations of several requests.
    long_timeout: Duration,
}

impl GithubApp {
    /// Checks the configuration and parses the private key. Makes no network call; [`GithubGateway::app`] shows whether
    /// GitHub accepts the credential.
    ///
    /// # Errors
    /// [`ConfigError`] names the first invalid setting and the remedy.
    pub fn new(config: GithubAppConfig) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        let api = Arc::new(Api::new(&config)?);
        let registration = AppRegistration {
            app: config.app,
            install_page: config.host.install_page(&config.slug),
            authorize_page: config.oauth.as_ref().map(|(client_id, _)| config.host.authorize_page(client_id)),
        };
        let app = AppClient { api: Arc::clone(&api), id: config.app };
        let minter = Arc::new(TokenMinter {
            app: app.clone(),
            web_origin: config.host.web().to_owned(),
            stateless: config.stateless_tokens,
        });
        let long_timeout = config.timeout.saturating_mul(3);
        let visitor_checker = config.oauth.map(|(client_id, client_secret)| {
            Arc::new(VisitorChecker {
                api,
                app: config.app,
                client_id,
                client_secret,
                timeout: long_timeout,
                warned: AtomicBool::new(false),
            })
        });
        Ok(Self { registration, app, minter, visitor_checker, long_timeout })
    }

    pub(crate) const fn app_client(&self) -> &AppClient {
        &self.app
    }
}

#[async_trait]
impl GithubGateway for GithubApp {
    fn registration(&self) -> AppRegistration {
        self.registration.clone()
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        Ok(self.app.app().await?.try_into()?)
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        Ok(self.app.look_up(id).await?)
    }

    async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        let checker = Arc::clone(self.visitor_checker.as_ref().ok_or(GithubError::NoOauthClient)?);
        let code = code.clone();
        // In a task, so that a caller who leaves during the exchange leaves no live token behind.
        let check = async move { checker.check(&code, installation).await }.in_current_span();
        Ok(tokio::spawn(check).await.map_err(|_| GithubError::TaskEnded)??)
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        Ok(self.app.uninstall(id).await?)
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        Ok(self.minter.mint(id, scope).await?)
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        Ok(operations::revoke(&self.app.api, token).await?)
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        Ok(operations::list(&self.app.api, token, page).await?)
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError> {
        let search = timeout(self.long_timeout, operations::installer(&self.app, id)).await;
        Ok(search.map_err(|_| GithubError::TimedOut)??)
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
