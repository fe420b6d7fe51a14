use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::{
    AccountId, AppId, AuthorizationCode, Installation, InstallationId, InstallationToken, Repository,
    TokenScope, VisitorFacts,
};

/// What the gateway was configured with: known without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRegistration {
    /// The App's number; an installation of any other is refused.
    pub app: AppId,
    /// The page on which an account installs the App, without a query:
    /// `https://github.com/apps/<slug>/installations/new`.
    pub install_page: String,
    /// Where GitHub asks a visitor to let us see who they are, with the client id but without a state:
    /// `https://github.com/login/oauth/authorize?client_id=…`. `None` where there is no OAuth client to prove visitors'
    /// claims with.
    pub authorize_page: Option<String>,
}

impl AppRegistration {
    /// Whether there is an OAuth client to prove visitors' claims with.
    #[must_use]
    pub const fn has_oauth_client(&self) -> bool {
        self.authorize_page.is_some()
    }
}

/// What GitHub says of the App itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppFacts {
    /// Its number.
    pub app: AppId,
    /// Its URL name.
    pub slug: String,
    /// What people call it.
    pub name: String,
}

/// Outcome of [`GithubGateway::installation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupOutcome {
    /// It exists, active or suspended.
    Found(Installation),
    /// It does not exist, or is no business of our App's: GitHub does not tell the two apart.
    Missing,
}

/// Outcome of [`GithubGateway::check_visitor`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitorCheck {
    /// The code was good; this is who came, and what they can reach.
    Visitor(VisitorFacts),
    /// GitHub refused the code: used before, too old, or another App's.
    CodeRefused,
}

/// Outcome of [`GithubGateway::uninstall`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UninstallOutcome {
    /// GitHub removes it, or has removed it.
    Removed,
    /// It was gone before.
    AlreadyGone,
}

/// Outcome of [`GithubGateway::mint`].
#[derive(Debug, Clone)]
pub enum MintOutcome {
    /// A fresh token.
    Minted(InstallationToken),
    /// The installation does not exist, or is no business of our App's.
    Missing,
    /// The installation is suspended (GitHub fact 22).
    Suspended,
    /// More was asked for than was granted (GitHub fact 19).
    NotGranted {
        /// GitHub's own words.
        message: String,
    },
}

/// Outcome of [`GithubGateway::repositories`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListOutcome {
    /// One page.
    Page {
        /// In GitHub's order; at most [`ListOutcome::PER_PAGE`], and fewer only on the last page.
        repositories: Vec<Repository>,
        /// How many there are on all pages.
        total: u64,
    },
    /// GitHub does not take the token (any more): expired, revoked, suspended or uninstalled.
    TokenRefused,
}

impl ListOutcome {
    /// Repositories on a page: the most that GitHub gives (GitHub fact 25).
    pub const PER_PAGE: u32 = 100;
}

/// How much GitHub still lets us ask as our App, by its last answer (GitHub fact 43).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLeft {
    /// Requests in a window.
    pub limit: u64,
    /// Requests left in this one.
    pub remaining: u64,
    /// When the next one begins.
    pub resets_at: OffsetDateTime,
}

/// GitHub, as far as the use cases need it.
///
/// Every call has a deadline and a cap on what it reads. A [`PortError`] keeps its kind (L-34, L-58):
/// `Unavailable` (unreachable, timeout, 5xx), `RateLimited` (until when), `Rejected` (our own credential: wrong key,
/// wrong App id, clocks too far apart), `Corrupt` (a body that is not GitHub's), `Unexpected`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait GithubGateway: Debug + Send + Sync + 'static {
    /// What the gateway was configured with. Asks nobody.
    fn registration(&self) -> AppRegistration;

    /// What GitHub says of our App: shows that our credential is accepted.
    ///
    /// # Errors
    /// See the trait.
    async fn app(&self) -> Result<AppFacts, PortError>;

    /// Looks an installation up as our App. [`LookupOutcome::Missing`] only where GitHub still accepts our App's credential,
    /// since a wrong one is a 404, too (L-55): at most two calls, each made once more on the one occasion that the
    /// clocks' skew is measured (L-43).
    ///
    /// # Errors
    /// See the trait.
    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError>;

    /// Exchanges the code of a visitor and finds out who they are and whether they see and administer `installation`.
    /// All pages are read. The visitor's token is revoked before this returns and is never kept; failing to revoke it
    /// is not an error. A failure after the exchange has used the code up: the visitor has to start anew. Where GitHub
    /// will not say whether they administer an organization (the App lacks "Members: read"), they do not.
    ///
    /// # Errors
    /// See the trait.
    async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError>;

    /// Removes the App from the account.
    ///
    /// # Errors
    /// See the trait.
    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError>;

    /// Mints a token for the installation. Never sends a narrowing to nothing, which GitHub reads as everything
    /// (L-48; [`TokenScope`] cannot hold one). A missing or unreadable `expires_at` is `Corrupt` (L-40).
    /// [`MintOutcome::Missing`] as in [`GithubGateway::installation`].
    ///
    /// # Errors
    /// See the trait.
    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError>;

    /// Ends a token before its time. One that GitHub does not take any more counts as ended.
    ///
    /// # Errors
    /// See the trait.
    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError>;

    /// One page of what the token reaches, from 1 on. A token that GitHub refuses within seconds of its birth is tried
    /// again for a bounded time (L-49).
    ///
    /// # Errors
    /// See the trait.
    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError>;

    /// Who installed the installation, by GitHub's own record of the deliveries that it sent to our App: for a webhook
    /// that never came. `None` where its latest deliveries (three days, a bounded number) do not say.
    ///
    /// # Errors
    /// See the trait.
    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError>;

    /// How much is left for calls as our App; `None` before the first answer, and where GitHub does not say. Asks
    /// nobody.
    fn rate_left(&self) -> Option<RateLeft>;
}

forward!(GithubGateway {
    async fn app(&self) -> Result<AppFacts, PortError>;
    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError>;
    async fn check_visitor(&self, code: &AuthorizationCode, installation: InstallationId) -> Result<VisitorCheck, PortError>;
    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError>;
    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError>;
    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError>;
    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError>;
    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError>;
} {
    fn registration(&self) -> AppRegistration;
    fn rate_left(&self) -> Option<RateLeft>;
});
