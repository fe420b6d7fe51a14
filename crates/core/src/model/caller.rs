use std::fmt;

use super::{KeyEnvironment, KeyId, OrganizationId, Tier};

/// Something that a key may be allowed to do. Deny by default: an empty list covers nothing (`contract.md` §2).
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who is calling: an authenticated key and the organization it acts for. The organization of every use case comes
/// from here and from nowhere else (lesson L-03).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The organization that the key acts for.
    pub organization: OrganizationId,
    /// What that organization is called, as its people know it.
    pub organization_name: String,
    /// The key's public part.
    pub key: KeyId,
    /// The key's world.
    pub environment: KeyEnvironment,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// How much the key may do.
    pub tier: Tier,
    /// Hosts that a `returnUrl` may name.
    pub allowed_return_domains: Vec<String>,
}

impl Caller {
    /// Whether one of the key's scopes covers `needed`.
    #[must_use]
    pub fn may(&self, needed: &Scope) -> bool {
        self.scopes.iter().any(|held| held.covers(needed))
    }
}
