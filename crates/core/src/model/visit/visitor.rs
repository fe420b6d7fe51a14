use time::Duration;

use crate::model::spelled;
use crate::model::{AccountId, InstalledOn};

/// The facts about a visitor that GitHub reports. The claim rules derive a [`Proof`](crate::Proof) from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorFacts {
    /// The visitor's account.
    pub visitor: AccountId,
    /// Whether the visitor can see the installation.
    pub visibility: Visibility,
    /// The visitor's membership in the organization that the installation is on. [`Membership::Outsider`] if the
    /// installation is not on an organization, or the visitor cannot see it.
    pub membership: Membership,
    /// The age of the installation when GitHub answered, by GitHub's clock alone; `None` if GitHub did not say.
    pub installation_age: Option<Duration>,
}

/// Whether a visitor can see an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// GitHub lists it for the visitor, with this owner.
    Seen(InstalledOn),
    /// GitHub does not list it for the visitor.
    NotSeen,
    /// GitHub does not say, or its list is not complete.
    Unknown(UnknownReason),
}

/// A visitor's membership in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// An active owner of the organization.
    Administrator,
    /// An active member.
    Member,
    /// Not an active member of this organization.
    Outsider,
    /// GitHub does not say.
    Unknown(UnknownReason),
}

/// Why GitHub does not answer a question about a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// The visitor has no session of the organization's single sign-on.
    SsoRequired {
        /// GitHub's page to sign in: HTTPS on the App's web host. `None` if GitHub named none.
        url: Option<String>,
    },
    /// The organization's list of allowed IP addresses does not contain ours.
    IpBlocked,
    /// The App lacks the organization permission "Members: read", or the organization has not accepted it.
    PermissionMissing,
    /// GitHub suspended the visitor's account.
    AccountSuspended,
    /// GitHub denies the answer for another reason.
    Denied,
    /// GitHub failed to answer.
    Unavailable,
    /// The visitor sees more installations than are read, and the wanted one is not among those that were.
    TooManyInstallations,
}

spelled! {
    /// The membership that a claim was made with. A later proof by the installer's record depends on it.
    pub enum ClaimMembership("claim membership") {
        /// An active owner of the organization, or the user whose account it is.
        Administrator = "administrator",
        /// An active member.
        Member = "member",
        /// Not an active member of the organization, or another user than the one whose account it is.
        Outsider = "outsider",
        /// Unknown, since the App lacks the permission; the installation is not older than the state.
        UnknownNew = "unknown_new",
        /// Unknown.
        Unknown = "unknown",
    }
}

/// The record of an installation's creation, as GitHub's `installation.created` reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallerRecord {
    /// The account that installed the App.
    pub installer: AccountId,
    /// Whether the App had the organization permission "Members". Only an owner can install such an App on an organization;
    /// one without organization permissions can also be installed by the administrator of a repository.
    pub members_permission: bool,
}

spelled! {
    /// Why GitHub denies the App an installation. Each is a setting of the account or of GitHub's, not a failure.
    #[non_exhaustive]
    pub enum DenialCause("denial cause") {
        /// The account's list of allowed IP addresses does not contain ours.
        IpBlocked = "ip_blocked",
        /// The organization requires single sign-on.
        SsoRequired = "sso_required",
        /// The App lacks a permission, or the account has not accepted it.
        PermissionMissing = "permission_missing",
        /// GitHub suspended the account.
        AccountSuspended = "account_suspended",
        /// GitHub blocks access for legal reasons.
        LegalBlock = "legal_block",
        /// GitHub denies access for another reason.
        Other = "denied",
    }
}
