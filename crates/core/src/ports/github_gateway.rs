use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{
    AppId, AuthorizationCode, CodeVerifier, DenialCause, Installation, InstallationId, InstallationToken,
    InstallerRecord, Permissions, Repository, TokenScope, UnknownReason, VisitorFacts,
};

/// The gateway's configuration of the App.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRegistration {
    /// The App's id. Installations of other Apps are refused.
    pub app: AppId,
    /// The URL of the page that installs the App, without a query: `https://github.com/apps/<slug>/installations/new`.
    pub install_page: String,
    /// The URL of the page on which a visitor authorizes the App, with the client id and without a state:
    /// `https://github.com/login/oauth/authorize?client_id=…`. `None` if no OAuth client is configured.
    pub authorize_page: Option<String>,
}

impl AppRegistration {
    /// Returns whether an OAuth client is configured, so that visitors can be identified.
    #[must_use]
    pub const fn has_oauth_client(&self) -> bool {
        self.authorize_page.is_some()
    }
}

/// The App, as GitHub reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppFacts {
    /// The App's id.
    pub app: AppId,
    /// The App's name in URLs.
    pub slug: String,
    /// The App's display name.
    pub name: String,
    /// The permissions that the App requests.
    pub permissions: Permissions,
}

/// The outcome of [`GithubGateway::installation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupOutcome {
    /// The installation exists, active or suspended.
    Found(Installation),
    /// GitHub does not show the installation: it does not exist or belongs to another App, which GitHub does not distinguish.
    Missing,
    /// GitHub denies the App this installation.
    Denied(DenialCause),
}

/// A visitor's code, with the parameters of the web flow that it was issued for.
#[derive(Debug, Clone)]
pub struct CodeGrant {
    /// The code.
    pub code: AuthorizationCode,
    /// The `redirect_uri` of the web flow; `None` if GitHub sent the code after an installation.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier of the web flow; `None` if GitHub sent the code after an installation.
    pub verifier: Option<CodeVerifier>,
}

impl CodeGrant {
    /// A code that GitHub sent after an installation, without a web flow of ours.
    #[must_use]
    pub const fn of_installation(code: AuthorizationCode) -> Self {
        Self { code, redirect_uri: None, verifier: None }
    }
}

/// The outcome of [`GithubGateway::check_visitor`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorCheck {
    /// GitHub accepted the code and identified the visitor.
    Visitor(VisitorFacts),
    /// GitHub rejected the code: it was used before, has expired, or belongs to another App or web flow.
    CodeRefused,
    /// GitHub accepted the code, but does not identify the visitor.
    Denied(UnknownReason),
}

/// The outcome of [`GithubGateway::visitor_installations`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorInstallations {
    /// GitHub accepted the code.
    Listed {
        /// The App's installations that the visitor can see, in GitHub's order: at most a hundred.
        installations: Vec<Installation>,
        /// Why further installations may be hidden, by GitHub's report.
        hidden: Option<UnknownReason>,
    },
    /// GitHub rejected the code: it was used before, has expired, or belongs to another App or web flow.
    CodeRefused,
    /// GitHub accepted the code, but returned no list.
    Denied(UnknownReason),
}

/// The outcome of [`GithubGateway::uninstall`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UninstallOutcome {
    /// GitHub uninstalled the App.
    Removed,
    /// GitHub accepted the request to uninstall the App, and may still show the installation for some minutes.
    Accepted,
    /// GitHub does not show the installation; the rule is that of [`LookupOutcome::Missing`]. Handling: look it up.
    Missing,
    /// GitHub denies the App this installation.
    Denied(DenialCause),
}

/// The outcome of [`GithubGateway::mint`].
#[derive(Debug, Clone)]
pub enum MintOutcome {
    /// A new token.
    Minted(InstallationToken),
    /// The installation does not exist or belongs to another App.
    Missing,
    /// The installation is suspended.
    Suspended,
    /// GitHub denies the App this installation.
    Denied(DenialCause),
    /// The scope exceeds what was granted.
    NotGranted {
        /// GitHub's message.
        message: String,
    },
}

/// The outcome of [`GithubGateway::repositories`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListOutcome {
    /// A page.
    Page {
        /// Repositories in GitHub's order: at most [`ListOutcome::PER_PAGE`]. Any page may have fewer.
        repositories: Vec<Repository>,
        /// The number of repositories on all pages according to GitHub, which may count more than it lists.
        total: u64,
        /// The number of the next page, higher than this page's; `None` on the last page. MUST come from GitHub's links, not
        /// from the number of repositories.
        next: Option<u32>,
    },
    /// GitHub rejects the token: it has expired or was revoked, or the installation is suspended or uninstalled.
    TokenRefused,
    /// GitHub denies the App this installation.
    Denied(DenialCause),
}

impl ListOutcome {
    /// The number of repositories per page, which is GitHub's maximum.
    pub const PER_PAGE: u32 = 100;
}

/// The rate limit of the App's own requests, by GitHub's last response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLeft {
    /// Requests per window.
    pub limit: u64,
    /// Requests left in the current window.
    pub remaining: u64,
    /// The start of the next window.
    pub resets_at: OffsetDateTime,
}

/// Calls GitHub.
///
/// Every call MUST have a deadline and a limit on the size of the response. The kind of a [`PortError`] MUST be kept:
///
/// - `Unavailable`: GitHub is unreachable, timed out or returned a 5xx.
/// - `RateLimited`: GitHub limits the requests, and until when.
/// - `Rejected`: GitHub rejects the App's own credential, because of a wrong key, a wrong App id or clock skew.
/// - `Corrupt`: the body is not GitHub's.
/// - `Unexpected`: anything else.
///
/// [`PortError::credential`] MUST name the credential of the call. If GitHub denies a call because of a setting of an
/// account, that is an outcome, not an error; GitHub's message is for the gateway's log only.
///
/// A limit that GitHub sets MUST pause only the calls with the same credential to the same host.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait GithubGateway: Debug + Send + Sync + 'static {
    /// Returns the gateway's configuration. Makes no network call.
    fn registration(&self) -> AppRegistration;

    /// Returns the App as GitHub reports it, which shows that GitHub accepts the App's credential.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn app(&self) -> Result<AppFacts, PortError>;

    /// Looks up an installation with the App's credential. MUST return [`LookupOutcome::Missing`] only for a 404 that is
    /// GitHub's own, and only if `GET /app` named our App within the last minute, since a wrong credential is a 404, too.
    /// Any other 404 is a failure of the kind `Corrupt`. Makes at most two requests, plus one retry each
    /// if clock skew is detected.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError>;

    /// Exchanges a visitor's code, identifies the visitor, and checks whether the visitor can see `installation` and is a
    /// member of its organization. MUST read all pages. What GitHub does not say is unknown, never a yes or a no.
    ///
    /// The visitor's token MUST be revoked before this returns, and never stored; a failed revocation is no error. After a
    /// failed call the code may be used up, and the visitor has to start again.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn check_visitor(
        &self,
        grant: &CodeGrant,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError>;

    /// Exchanges a visitor's code, and lists the installations of the App that the visitor can see, with one request and
    /// without membership. The rules for the code and the token are those of [`GithubGateway::check_visitor`].
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn visitor_installations(&self, grant: &CodeGrant) -> Result<VisitorInstallations, PortError>;

    /// Uninstalls the App from the account.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above. After `Unavailable`, `Corrupt` and `Unexpected`, GitHub may have
    /// uninstalled the App.
    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError>;

    /// Mints a token of the installation. MUST NOT send an empty list of repositories or permissions, for which GitHub
    /// grants all; [`TokenScope`] cannot hold one. A missing or malformed `expires_at` is `Corrupt`. The rule for
    /// [`MintOutcome::Missing`] is that of [`GithubGateway::installation`].
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError>;

    /// Revokes a token. A token that GitHub rejects counts as revoked.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError>;

    /// Returns a page, counted from 1, of the repositories that the token has access to. If GitHub rejects a token within
    /// seconds of its issue, the request is retried for a bounded time, since GitHub may not know the token everywhere.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError>;

    /// Returns who installed the installation, by GitHub's log of the deliveries to the App, in case the webhook was lost.
    /// `None` if the log, of three days and a bounded number of entries, does not contain it.
    ///
    /// # Errors
    /// Infrastructure failures, by the kinds above.
    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError>;

    /// Returns the rate limit of the App's own requests; `None` before the first response, and if GitHub does not report
    /// it. Makes no network call.
    fn rate_left(&self) -> Option<RateLeft>;
}

forward!(GithubGateway {
    async fn app(&self) -> Result<AppFacts, PortError>;
    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError>;
    async fn check_visitor(&self, grant: &CodeGrant, installation: InstallationId) -> Result<VisitorCheck, PortError>;
    async fn visitor_installations(&self, grant: &CodeGrant) -> Result<VisitorInstallations, PortError>;
    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError>;
    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError>;
    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError>;
    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError>;
    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError>;
} {
    fn registration(&self) -> AppRegistration;
    fn rate_left(&self) -> Option<RateLeft>;
});
