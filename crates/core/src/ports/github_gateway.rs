use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::PortError;
use crate::model::{AppId, AuthorizationCode, Installation, InstallationId, Witness};

/// What the gateway was configured with: known without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRegistration {
    /// The App's number; an installation of any other is refused.
    pub app: AppId,
    /// The page on which an account installs the App, without a query:
    /// `https://github.com/apps/<slug>/installations/new`.
    pub install_page: String,
    /// Whether there is an OAuth client to prove visitors' claims with.
    pub has_oauth_client: bool,
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
pub enum Lookup {
    /// It exists, active or suspended.
    Found(Installation),
    /// It does not exist, or is no business of our App's: GitHub does not tell the two apart.
    Missing,
}

/// Outcome of [`GithubGateway::prove`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proving {
    /// The code was good; this is who came, and what they can reach.
    Witnessed(Witness),
    /// GitHub refused the code: used before, too old, or another App's.
    CodeRefused,
}

/// Outcome of [`GithubGateway::uninstall`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// GitHub removes it, or has removed it.
    Removed,
    /// It was gone before.
    AlreadyGone,
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

    /// Looks an installation up as our App. [`Lookup::Missing`] only where GitHub still accepts our App's credential,
    /// since a wrong one is a 404, too (L-55): at most two calls, each made once more on the one occasion that the
    /// clocks' skew is measured (L-43).
    ///
    /// # Errors
    /// See the trait.
    async fn installation(&self, id: InstallationId) -> Result<Lookup, PortError>;

    /// Exchanges the code of a visitor and finds out who they are and whether they see and administer `installation`.
    /// All pages are read. The visitor's token is revoked before this returns and is never kept; failing to revoke it
    /// is not an error. A failure after the exchange has used the code up: the visitor has to start anew. Where GitHub
    /// will not say whether they administer an organization (the App lacks "Members: read"), they do not.
    ///
    /// # Errors
    /// See the trait.
    async fn prove(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<Proving, PortError>;

    /// Removes the App from the account.
    ///
    /// # Errors
    /// See the trait.
    async fn uninstall(&self, id: InstallationId) -> Result<Removal, PortError>;
}
