use super::{ErrorCode, PortError};
use crate::model::spelled;

spelled! {
    /// Why the callback refused a visitor. A refusal changes nothing, and the state still works.
    #[non_exhaustive]
    pub enum CallbackRefusal("callback refusal") {
        /// The state is missing or malformed.
        MalformedState = "malformed_state",
        /// The state was never issued, or was used up.
        UnknownState = "unknown_state",
        /// The state has expired.
        ExpiredState = "expired_state",
        /// `installation_id` is missing or not a positive integer.
        MalformedInstallation = "malformed_installation",
        /// GitHub sent no `code`, even after its web flow, so the visitor is unknown.
        MissingCode = "missing_code",
        /// The visitor declined to authorize the App.
        AuthorizationDenied = "authorization_denied",
        /// GitHub rejected the code: it was used before, or has expired.
        CodeRefused = "code_refused",
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
        /// GitHub denies to say what the visitor may see, for another reason.
        AccessDenied = "access_denied",
        /// GitHub failed to say whether the visitor is a member of the organization.
        MembershipUnavailable = "membership_unavailable",
        /// The installation is on an enterprise, or on an account that GitHub does not name.
        UnbindableAccount = "unbindable_account",
        /// The ticket is not that of the pending confirmation, which was answered before or replaced by a later visit.
        TicketRefused = "ticket_refused",
        /// The answer came from another browser than the one that the confirmation page was shown in.
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
}

/// Why a step of the install flow in the browser failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// The visitor is refused. Handling: show a page that says what to do.
    #[error("the visitor is refused: {0}")]
    Refused(CallbackRefusal),
    /// The visitor is refused with [`CallbackRefusal::SsoRequired`]. Handling: show the link, then start the web flow again.
    #[error("the visitor is refused: the organization's single sign-on is required")]
    SsoRequired {
        /// GitHub's page to sign in: HTTPS on the App's web host.
        url: String,
    },
    /// Infrastructure failure. Handling: the visitor may start again with the same state.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl CallbackError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::SsoRequired { .. } => ErrorCode::Validation,
            Self::Port(error) => error.code(),
        }
    }

    /// Returns why the visitor is refused; `None` for an infrastructure failure.
    #[must_use]
    pub const fn refusal(&self) -> Option<CallbackRefusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::SsoRequired { .. } => Some(CallbackRefusal::SsoRequired),
            Self::Port(_) => None,
        }
    }
}

impl From<CallbackRefusal> for CallbackError {
    fn from(refusal: CallbackRefusal) -> Self {
        Self::Refused(refusal)
    }
}
