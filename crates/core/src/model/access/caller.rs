use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::{Actor, BudgetKey, OrganizationId, OrganizationName, Tier};

/// A permission of an API key. An empty list of scopes permits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Scope {
    /// `github:admin`: everything under `/v1/github`.
    GithubAdmin,
    /// `*`: covers every scope.
    All,
    /// A scope of the host's other APIs; grants nothing here.
    Other(String),
}

impl Scope {
    /// Parses a scope. Any text is one: a scope that is not known here is [`Scope::Other`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "github:admin" => Self::GithubAdmin,
            "*" => Self::All,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Returns the scope's spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::GithubAdmin => "github:admin",
            Self::All => "*",
            Self::Other(other) => other,
        }
    }

    /// Returns whether a key with this scope has the permission `needed`.
    #[must_use]
    pub fn covers(&self, needed: &Self) -> bool {
        matches!(self, Self::All) || self == needed
    }
}

impl From<String> for Scope {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.as_str().to_owned()
    }
}

impl FromStr for Scope {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::parse(text))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An authenticated caller: the organization that it acts for, and the person or machine that acts. Use cases take the
/// organization from here only, never from a value of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The organization that the caller acts for.
    pub organization: OrganizationId,
    /// The organization's display name; the confirmation page shows it.
    pub organization_name: OrganizationName,
    /// The person or machine that acts. Recorded with the binding and with every event of the caller.
    pub actor: Actor,
    /// Hosts that a `returnUrl` may name, compared exactly but for case.
    pub return_hosts: Vec<String>,
    /// The budget that requests are charged to, and its size; `None` if the caller is not limited.
    pub budget: Option<(BudgetKey, Tier)>,
}

impl Caller {
    /// Creates a caller with a budget of [`Tier::standard`] for its whole organization and without return hosts.
    #[must_use]
    pub fn new(organization: OrganizationId, organization_name: OrganizationName, actor: Actor) -> Self {
        let budget = Some((BudgetKey::from(&organization), Tier::standard()));
        Self { organization, organization_name, actor, return_hosts: Vec::new(), budget }
    }

    /// Replaces the hosts that a `returnUrl` may name.
    #[must_use]
    pub fn with_return_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.return_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the budget; `None` if the caller is not limited.
    #[must_use]
    pub fn with_budget(mut self, budget: Option<(BudgetKey, Tier)>) -> Self {
        self.budget = budget;
        self
    }
}
