use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::spelled;
use super::{AccountId, AppId, InstallationFacts, InstallationId, Life, OrganizationId};

spelled! {
    /// The kind of a GitHub account. Other kinds, such as enterprises, cannot be bound.
    pub enum AccountKind("account type") {
        /// A person.
        User = "User",
        /// An organization.
        Organization = "Organization",
    }
}

/// The GitHub account that an installation is on. Accounts are matched by `id`; `login` is for display and may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// GitHub's id of the account.
    pub id: AccountId,
    /// The account's name, as GitHub last reported it.
    pub login: String,
    /// User or organization.
    #[serde(rename = "type")]
    pub kind: AccountKind,
}

/// The owner of an installation, as GitHub reports it. Only installations on an account can be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstalledOn {
    /// A user or an organization.
    Account(Account),
    /// An enterprise. It has no login and is not an account.
    Enterprise {
        /// GitHub's id of the enterprise.
        id: AccountId,
        /// The enterprise's name in URLs.
        slug: String,
    },
    /// `null`, or an owner of an unknown kind.
    Unknown,
}

/// An installation, as GitHub reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// GitHub's id of the installation.
    pub id: InstallationId,
    /// The App that is installed.
    pub app: AppId,
    /// The owner.
    pub installed_on: InstalledOn,
    /// Whether the owner or GitHub suspended it.
    pub suspended: bool,
    /// Facts for display. No decision depends on them.
    pub facts: InstallationFacts,
}

impl Installation {
    /// Returns active or suspended. GitHub does not report uninstalled installations.
    #[must_use]
    pub const fn status(&self) -> Status {
        if self.suspended { Status::Suspended } else { Status::Active }
    }
}

/// The stored facts about an installation, bound or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationRecord {
    /// The organization that is bound to it.
    pub organization: Option<OrganizationId>,
    /// The account that it is on, as GitHub last reported it; `None` if only its deletion was observed.
    pub account: Option<Account>,
    /// The status that callers see, as in [`Binding::status`](super::Binding::status).
    pub status: Status,
    /// Whether the installation gives tokens, and when GitHub is asked about it again.
    pub life: Life,
    /// The time of GitHub's last response that showed the installation.
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
        /// Removed, or not shown by GitHub for an hour. A reinstallation has another id.
        Uninstalled = "uninstalled",
    }
}
