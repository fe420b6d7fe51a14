use serde::Serialize;
use time::OffsetDateTime;

use super::spelled;
use super::{AccountId, AppId, InstallationId, OrganizationId};

spelled! {
    /// The kind of a GitHub account. Other kinds, such as enterprises, cannot be bound.
    pub enum AccountKind("account type") {
        /// A person.
        User = "User",
        /// An organization.
        Organization = "Organization",
    }
}

/// The GitHub account that an installation is on. Matched by `id`; `login` is for display and may change (L-53).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// GitHub's number of the account.
    pub id: AccountId,
    /// The account's name as GitHub last told it.
    pub login: String,
    /// User or organization.
    #[serde(rename = "type")]
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

spelled! {
    /// The status of an installation, as GitHub last reported it.
    pub enum Status("status") {
        /// Usable.
        Active = "active",
        /// Exists, but gives no tokens until its owner or GitHub unsuspends it.
        Suspended = "suspended",
        /// Removed. A reinstallation has another id.
        Uninstalled = "uninstalled",
    }
}
