use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Actor, BudgetKey, OrganizationId, OrganizationName, Tier};

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
    /// Reads a scope as it is spelled in a key's list.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "github:admin" => Self::GithubAdmin,
            "*" => Self::All,
            other => Self::Other(other.to_owned()),
        }
    }

    /// As it is spelled in a key's list.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::GithubAdmin => "github:admin",
            Self::All => "*",
            Self::Other(other) => other,
        }
    }

    /// Whether holding this scope suffices where `needed` is asked for.
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

/// An authenticated caller: the organization it acts for, and who acts. Every use case takes the organization from here
/// and from nothing that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The organization that the caller acts for.
    pub organization: OrganizationId,
    /// The organization's display name; the confirmation page shows it.
    pub organization_name: OrganizationName,
    /// The person or machine that acts. Recorded with the binding and with every event of the caller.
    pub actor: Actor,
    /// Hosts that a `returnUrl` may name: exact, compared without case.
    pub return_hosts: Vec<String>,
    /// The budget that a request is charged to, and its size; `None`: not limited.
    pub budget: Option<(BudgetKey, Tier)>,
}

impl Caller {
    /// A caller with the budget [`Tier::standard`] of its organization and no return hosts.
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

    /// Replaces the budget; `None`: not limited.
    #[must_use]
    pub fn with_budget(mut self, budget: Option<(BudgetKey, Tier)>) -> Self {
        self.budget = budget;
        self
    }
}
