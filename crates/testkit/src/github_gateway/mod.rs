//! The cases of [`GithubGateway`]. [`github_gateway_suite!`](crate::github_gateway_suite) runs them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::GithubGateway;
use dockline::{
    Access, AccountId, AccountKind, AuthorizationCode, Installation, InstallationId, PermissionName,
    Repository,
};

use crate::runner::suite;

pub mod failures;
pub mod installations;
pub mod repositories;
pub mod tokens;
pub mod visitors;

/// A GitHub whose state a test sets, and the gateway under test, which calls it.
#[async_trait]
pub trait GatewayDriver: Debug + Send + Sync + 'static {
    /// Returns the gateway under test, with an OAuth client. Its GitHub reports the App's rate limit.
    fn gateway(&self) -> &dyn GithubGateway;

    /// Installs our App on a new account of this kind, and returns what GitHub reports about it from now on.
    async fn install(&self, kind: AccountKind) -> Installation;

    /// Installs another App on a new account.
    async fn install_another_app(&self) -> InstallationId;

    /// Suspends an installation of our App.
    async fn suspend(&self, id: InstallationId);

    /// Uninstalls our App.
    async fn uninstall(&self, id: InstallationId);

    /// Signs a new visitor in, in this role towards the installation's account, with a fresh OAuth code for our App.
    async fn visitor(&self, role: VisitorRole, id: InstallationId) -> SignedIn;

    /// Returns the permissions of our App on an installation: at least one.
    async fn granted(&self, id: InstallationId) -> BTreeMap<PermissionName, Access>;

    /// Gives an installation without repositories that many new ones, and returns them in GitHub's order.
    async fn add_repositories(&self, id: InstallationId, count: usize) -> Vec<Repository>;

    /// From now on GitHub issues installation tokens in the stateless format, or in the opaque one.
    async fn issue_stateless_tokens(&self, stateless: bool);

    /// From now on GitHub rejects the first `uses` uses of every token that it issues.
    async fn reject_fresh_tokens(&self, uses: u32);

    /// Returns the number of valid installation tokens, those of suspended installations included.
    async fn live_installation_tokens(&self) -> usize;

    /// Returns the installer of an installation of our App. GitHub's delivery log has the `installation.created` webhook
    /// that names the installer, although our App may have missed it.
    async fn installed_by(&self, id: InstallationId) -> AccountId;

    /// Adds that many webhooks to GitHub's delivery log, none of them `installation.created`.
    async fn send_other_webhooks(&self, count: usize);

    /// From now on every request to GitHub fails in this way.
    async fn fail(&self, failure: GithubFailure);

    /// From now on GitHub works again.
    async fn recover(&self);

    /// Returns the number of requests that GitHub received.
    async fn requests(&self) -> usize;

    /// Returns the number of valid visitor tokens.
    async fn live_visitor_tokens(&self) -> usize;

    /// Returns the longest time that a call of the gateway takes if GitHub does not respond.
    fn timeout(&self) -> Duration;
}

/// A visitor's role towards the account of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitorRole {
    /// An administrator of the organization, or the user whose account it is.
    Administrator,
    /// Sees the installation and does not administer the account.
    Member,
    /// Has no access to the account.
    Outsider,
}

/// A visitor who comes back from GitHub's OAuth flow.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The visitor's account.
    pub visitor: AccountId,
    /// The OAuth code of the redirect.
    pub code: AuthorizationCode,
}

/// A way in which GitHub fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GithubFailure {
    /// Refuses connections or responds with 5xx.
    Down,
    /// Accepts requests and does not respond.
    Silent,
    /// Limits the rate of our App.
    RateLimited {
        /// The time until the next request is accepted, in whole seconds.
        retry_after: Duration,
    },
    /// Responds with 200 and a body that is not GitHub's.
    Malformed,
    /// Rejects our App's credential.
    CredentialRejected,
}

suite! {
    /// Makes one `#[test]` per case of [`GithubGateway`](crate::dockline::ports::GithubGateway) in a module
    /// `github_gateway`. The adapter is a [`GatewayDriver`](crate::github_gateway::GatewayDriver).
    github_gateway_suite, github_gateway, GatewayDriver: installations, tokens, repositories, visitors, failures
}
