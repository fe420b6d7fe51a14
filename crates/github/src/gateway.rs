use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, CodeGrant, DeliveryLog, DeliveryLogPage, GithubGateway, ListOutcome,
    LookupOutcome, MintOutcome, RateLeft, RedeliverOutcome, UninstallOutcome, VisitorCheck,
    VisitorInstallations,
};
use dockline::{GithubCredential, InstallationId, InstallationToken, InstallerRecord, PortError, TokenScope};
use tokio::time::timeout;
use tracing::Instrument;

use crate::config::GithubAppConfig;
use crate::error::{ConfigError, GithubError};
use crate::host::GithubHost;
use crate::http::Api;
use crate::identifiers::Slug;
use crate::operations::{self, AppClient, TokenMinter, VisitorChecker, delivery_log};

/// A GitHub App's access to GitHub: the adapter of the core's port [`GithubGateway`].
///
/// Cheap to clone. Clones share connections, the JWT and rate-limit pauses; instances built separately share nothing. Its
/// futures need a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct GithubApp {
    host: GithubHost,
    authorize_page: Option<String>,
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
        let authorize_page =
            config.oauth.as_ref().map(|(client_id, _)| config.host.authorize_page(client_id));
        let slug = Arc::new(Slug::new(config.slug));
        let app = AppClient::new(Arc::clone(&api), config.app, slug);
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
        Ok(Self { host: config.host, authorize_page, app, minter, visitor_checker, long_timeout })
    }

    /// Returns the base URL of the API, which tells Apps of different hosts apart. Has no slash at the end.
    #[must_use]
    pub fn api_base(&self) -> &str {
        self.host.api()
    }

    pub(crate) const fn app_client(&self) -> &AppClient {
        &self.app
    }

    fn checker(&self) -> Result<Arc<VisitorChecker>, PortError> {
        let checker = self.visitor_checker.as_ref().map(Arc::clone);
        checker.ok_or_else(|| GithubError::NoOauthClient.about(GithubCredential::OauthClient))
    }
}

pub(crate) fn of_app(error: GithubError) -> PortError {
    error.about(GithubCredential::App)
}

fn of_installation(error: GithubError) -> PortError {
    error.about(GithubCredential::Installation)
}

/// Runs the check in a task, so that a call that is dropped during the exchange leaves no live token behind.
async fn in_task<T: Send + 'static>(
    check: impl Future<Output = Result<T, (GithubCredential, GithubError)>> + Send + 'static,
) -> Result<T, PortError> {
    let ended = tokio::spawn(check.in_current_span()).await;
    let checked = ended.unwrap_or(Err((GithubCredential::Visitor, GithubError::TaskEnded)));
    checked.map_err(|(credential, error)| error.about(credential))
}

#[async_trait]
impl GithubGateway for GithubApp {
    /// The install page has the App's slug that GitHub reported last, by `GET /app`; at first the configured one.
    fn registration(&self) -> AppRegistration {
        AppRegistration {
            app: self.app.id,
            install_page: self.host.install_page(&self.app.slug.current()),
            authorize_page: self.authorize_page.clone(),
        }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        let facts = self.app.app().await.and_then(AppFacts::try_from);
        facts.map_err(of_app)
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        self.app.look_up(id).await.map_err(of_app)
    }

    async fn check_visitor(
        &self,
        grant: &CodeGrant,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        let (checker, grant) = (self.checker()?, grant.clone());
        in_task(async move { checker.check(&grant, installation).await }).await
    }

    async fn visitor_installations(&self, grant: &CodeGrant) -> Result<VisitorInstallations, PortError> {
        let (checker, grant) = (self.checker()?, grant.clone());
        in_task(async move { checker.installations(&grant).await }).await
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        self.app.uninstall(id).await.map_err(of_app)
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        self.minter.mint(id, scope).await.map_err(of_app)
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        operations::revoke(&self.app.api, token).await.map_err(of_installation)
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        operations::list(&self.app.api, token, page).await.map_err(of_installation)
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        let search = timeout(self.long_timeout, operations::installer(&self.app, id)).await;
        search.unwrap_or(Err(GithubError::TimedOut)).map_err(of_app)
    }

    fn rate_left(&self) -> Option<RateLeft> {
        self.app.api.rate_left()
    }
}

#[async_trait]
impl DeliveryLog for GithubApp {
    async fn page(&self, cursor: Option<String>) -> Result<Option<DeliveryLogPage>, PortError> {
        delivery_log::page(&self.app, cursor.as_deref()).await.map_err(of_app)
    }

    async fn redeliver(&self, id: u64) -> Result<RedeliverOutcome, PortError> {
        delivery_log::redeliver(&self.app, id).await.map_err(of_app)
    }

    async fn installer(
        &self,
        id: u64,
        installation: InstallationId,
    ) -> Result<Option<InstallerRecord>, PortError> {
        delivery_log::installer_of(&self.app, id, installation).await.map_err(of_app)
    }
}

impl fmt::Debug for GithubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubApp").field("registration", &self.registration()).finish_non_exhaustive()
    }
}
