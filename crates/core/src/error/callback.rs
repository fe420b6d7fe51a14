use super::{ErrorCode, PortError};
use crate::model::spelled;

spelled! {
    /// Why the callback refused a visitor. A refusal changes nothing, and a live state still works, except after
    /// [`CallbackRefusal::TooManyCodes`].
    #[non_exhaustive]
    pub enum CallbackRefusal("callback refusal") {
        /// The state is missing or malformed.
        MalformedState = "malformed_state",
        /// The state was never issued.
        UnknownState = "unknown_state",
        /// The visitor pressed Cancel before, or too many codes were rejected.
        RevokedState = "revoked_state",
        /// The state has expired.
        ExpiredState = "expired_state",
        /// A parameter occurs more than once.
        DuplicateParameter = "duplicate_parameter",
        /// `installation_id` is not a positive integer, or not the one that the visitor came with.
        MalformedInstallation = "malformed_installation",
        /// GitHub sent no `code`, even after its web flow, so the visitor is unknown.
        MissingCode = "missing_code",
        /// The visitor declined to authorize the App.
        AuthorizationDenied = "authorization_denied",
        /// The code does not have the form of GitHub's codes. It was not sent to GitHub.
        MalformedCode = "malformed_code",
        /// GitHub rejected the code: it was used before, has expired, or belongs to another browser.
        CodeRefused = "code_refused",
        /// Too many different codes came with the state, which is revoked now.
        TooManyCodes = "too_many_codes",
        /// The browser did not return the cookie of the web flow, also when it was sent there again.
        MissingCookie = "missing_cookie",
        /// The state is tied to another installation.
        TiedToAnother = "tied_to_another",
        /// The visitor cannot see the installation, or it does not exist.
        NotVisible = "not_visible",
        /// The visitor can see the installation, but does not administer its account, and the policy asks for more.
        NotAdministered = "not_administered",
        /// The visitor can see the installation, but is not an active member of its organization.
        NotMember = "not_member",
        /// The App lacks the permission to see whether the visitor is a member, and the policy asks for more than seeing the
        /// installation.
        PermissionMissing = "permission_missing",
        /// The visitor installed the App before the state was issued, and the App lacks the permission to see whether the
        /// visitor is still a member.
        InstalledTooLongAgo = "installed_too_long_ago",
        /// The visitor has to sign in with the organization's single sign-on first.
        SsoRequired = "sso_required",
        /// The organization's list of allowed IP addresses does not contain ours.
        IpBlocked = "ip_blocked",
        /// GitHub suspended the visitor's account.
        AccountSuspended = "account_suspended",
        /// GitHub refuses to report what the visitor can see, for another reason.
        AccessDenied = "access_denied",
        /// The visitor sees too many of the App's installations to find this one among them.
        TooManyInstallations = "too_many_installations",
        /// GitHub failed to report whether the visitor is a member of the organization.
        MembershipUnavailable = "membership_unavailable",
        /// The installation is on an enterprise, or on an account that GitHub does not name.
        UnbindableAccount = "unbindable_account",
        /// The ticket is not that of the pending confirmation, which was answered before or replaced by a later visit.
        TicketRefused = "ticket_refused",
        /// The answer came from another browser than the one that showed the confirmation page.
        OtherBrowser = "other_browser",
    }
}

impl std::error::Error for CallbackRefusal {}

impl CallbackRefusal {
    /// Returns the code for a response: only GitHub's failure is not the visitor's to solve.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        if matches!(self, Self::MembershipUnavailable) {
            ErrorCode::PlatformError
        } else {
            ErrorCode::Validation
        }
    }

    /// Returns whether the visitor may succeed with another GitHub account.
    #[must_use]
    pub const fn is_about_the_account(self) -> bool {
        matches!(
            self,
            Self::NotVisible
                | Self::NotAdministered
                | Self::NotMember
                | Self::PermissionMissing
                | Self::InstalledTooLongAgo
                | Self::SsoRequired
                | Self::IpBlocked
                | Self::AccountSuspended
                | Self::AccessDenied
                | Self::TooManyInstallations
                | Self::UnbindableAccount
        )
    }

    /// Returns whether the same visitor may succeed by another visit to GitHub's web flow.
    #[must_use]
    pub const fn may_pass_again(self) -> bool {
        matches!(
            self,
            Self::DuplicateParameter
                | Self::MalformedInstallation
                | Self::MissingCode
                | Self::AuthorizationDenied
                | Self::MalformedCode
                | Self::CodeRefused
                | Self::MissingCookie
                | Self::SsoRequired
                | Self::IpBlocked
                | Self::AccessDenied
                | Self::MembershipUnavailable
                | Self::TicketRefused
                | Self::OtherBrowser
        )
    }
}

/// The links on the page of a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaysOut {
    /// The stored return URL with `error` and `state`, which reports the refusal to the product. `None` if the state is
    /// unknown.
    pub return_url: Option<String>,
    /// The query of the callback that sends the visitor through GitHub's web flow again.
    pub again: Option<String>,
    /// The same, and GitHub asks the visitor which account to use.
    pub other_account: Option<String>,
    /// GitHub's page to sign in to the organization: HTTPS on the App's web host.
    pub single_sign_on: Option<String>,
}

/// Why a step of the install flow in the browser failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// The visitor is refused. Handling: show a page that says what to do.
    #[error("the visitor is refused: {reason}")]
    Refused {
        /// The reason.
        reason: CallbackRefusal,
        /// The links for the visitor.
        ways_out: Box<WaysOut>,
    },
    /// Infrastructure failure. Handling: the visitor may start again with the same state.
    #[error("{error}")]
    Port {
        /// The failure.
        #[source]
        error: PortError,
        /// The links for the visitor.
        ways_out: Box<WaysOut>,
    },
}

impl CallbackError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused { reason, .. } => reason.code(),
            Self::Port { error, .. } => error.code(),
        }
    }

    /// Returns why the visitor is refused; `None` for an infrastructure failure.
    #[must_use]
    pub const fn refusal(&self) -> Option<CallbackRefusal> {
        match self {
            Self::Refused { reason, .. } => Some(*reason),
            Self::Port { .. } => None,
        }
    }

    /// Returns what the visitor can do.
    #[must_use]
    pub const fn ways_out(&self) -> &WaysOut {
        match self {
            Self::Refused { ways_out, .. } | Self::Port { ways_out, .. } => ways_out,
        }
    }
}
