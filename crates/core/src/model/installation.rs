use std::fmt;

use serde::Serialize;
use time::OffsetDateTime;

use super::{AccountId, AppId, InstallationId, OrganizationId};

/// The two kinds of account that a binding can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum AccountKind {
    /// A person.
    User,
    /// An organization.
    Organization,
}

impl AccountKind {
    /// Every kind that can be bound.
    pub const ALL: &[Self] = &[Self::User, Self::Organization];

    /// As GitHub and our contract spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Organization => "Organization",
        }
    }

    /// Reads GitHub's spelling; `None` for kinds that cannot be bound.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "User" => Some(Self::User),
            "Organization" => Some(Self::Organization),
            _ => None,
        }
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The GitHub account that an installation is on. Matched by `id`; `login` is for display and may change (L-53).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// GitHub's number of the account.
    pub id: AccountId,
    /// The account's name as GitHub last told it.
    pub login: String,
    /// User or organization.
    pub kind: AccountKind,
}

/// What GitHub says an installation is on. Only an account can be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstalledOn {
    /// A user or an organization.
    Account(Account),
    /// An enterprise: it has no login, and no one account that a binding could mean.
    Enterprise {
        /// GitHub's number of the enterprise.
        id: AccountId,
        /// Its URL name.
        slug: String,
    },
    /// GitHub gave `null`, or an account of a kind that we do not know.
    Unknown,
}

/// What GitHub answers when asked for an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its number.
    pub id: InstallationId,
    /// The App that it is an installation of.
    pub app: AppId,
    /// Where it is installed.
    pub installed_on: InstalledOn,
    /// Whether its owner or GitHub suspended it.
    pub suspended: bool,
}

impl Installation {
    /// Active or suspended: GitHub answers for no other.
    #[must_use]
    pub const fn status(&self) -> Status {
        if self.suspended { Status::Suspended } else { Status::Active }
    }
}

/// What is kept of an installation that GitHub told us of, bound or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationRecord {
    /// Who is bound to it.
    pub organization: Option<OrganizationId>,
    /// The account that it is on, as GitHub last told; `None` where all that was ever heard of it is its end.
    pub account: Option<Account>,
    /// As GitHub last told.
    pub status: Status,
    /// The time of GitHub's last answer about it.
    pub verified_at: OffsetDateTime,
    /// See [`Binding::generation`](super::Binding::generation).
    pub generation: u64,
}

/// The life of an installation (`design.md` §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Usable.
    Active,
    /// Exists, but gives no tokens until it is unsuspended.
    Suspended,
    /// Gone for ever: a reinstall has another id (invariant I7).
    Uninstalled,
}

impl Status {
    /// Every status.
    pub const ALL: &[Self] = &[Self::Active, Self::Suspended, Self::Uninstalled];

    /// As the contract spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Uninstalled => "uninstalled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
