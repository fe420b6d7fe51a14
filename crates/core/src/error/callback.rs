use super::ErrorCode;

/// Why a visitor who came back from GitHub was turned away: a page says so, nothing was changed (L-19), and the
/// browser is redirected nowhere unless the state is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallbackRefusal {
    /// No state, or what cannot be one.
    MalformedState,
    /// Nobody was issued this state, or it was used up.
    UnknownState,
    /// The state's time is over.
    ExpiredState,
    /// `installation_id` is not a number that GitHub gives.
    MalformedInstallation,
    /// GitHub sent no `code`, also after it was asked to, so nobody can tell who came. A missing proof is a refusal, not
    /// a skip (L-07).
    MissingCode,
    /// The visitor told GitHub not to tell us who they are.
    AuthorizationDenied,
    /// GitHub did not accept the code: it was used before, or is too old.
    CodeRefused,
    /// The state is tied to another installation.
    TiedToAnother,
    /// The visitor does not see the installation, or there is none of that number.
    NotVisible,
    /// The visitor sees the installation, and the policy asks for more (L-08).
    NotAdministered,
    /// It is on an enterprise, or on an account that GitHub does not name.
    UnbindableAccount,
    /// The confirmation's ticket is not the open question's: answered before, or replaced by a later visit.
    TicketRefused,
    /// The answer comes from another browser than the one that was asked.
    OtherBrowser,
}

impl CallbackRefusal {
    /// Every reason.
    pub const ALL: &[Self] = &[
        Self::MalformedState,
        Self::UnknownState,
        Self::ExpiredState,
        Self::MalformedInstallation,
        Self::MissingCode,
        Self::AuthorizationDenied,
        Self::CodeRefused,
        Self::TiedToAnother,
        Self::NotVisible,
        Self::NotAdministered,
        Self::UnbindableAccount,
        Self::TicketRefused,
        Self::OtherBrowser,
    ];

    /// As it is spelled in logs and in `details.reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedState => "malformed_state",
            Self::UnknownState => "unknown_state",
            Self::ExpiredState => "expired_state",
            Self::MalformedInstallation => "malformed_installation",
            Self::MissingCode => "missing_code",
            Self::AuthorizationDenied => "authorization_denied",
            Self::CodeRefused => "code_refused",
            Self::TiedToAnother => "tied_to_another",
            Self::NotVisible => "not_visible",
            Self::NotAdministered => "not_administered",
            Self::UnbindableAccount => "unbindable_account",
            Self::TicketRefused => "ticket_refused",
            Self::OtherBrowser => "other_browser",
        }
    }

    /// What the visitor is told, and what they can do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::MalformedState | Self::UnknownState => {
                "This link is not one of ours, or has been used up. Start again from the product."
            }
            Self::ExpiredState => {
                "This link has expired: it is good for 15 minutes. Start again from the product."
            }
            Self::MalformedInstallation => {
                "GitHub's answer names no installation. Start again from the product."
            }
            Self::MissingCode => {
                "GitHub did not tell us who you are, so the installation cannot be connected. Start again from the \
                 product."
            }
            Self::AuthorizationDenied => {
                "You asked GitHub not to tell us who you are, so we cannot tell whether the installation is yours to \
                 connect. Start again from the product, and agree."
            }
            Self::CodeRefused => {
                "GitHub did not accept this visit: it was used before, or is too old. Start again from the product."
            }
            Self::TiedToAnother => {
                "This link was used for another installation. Start again from the product."
            }
            Self::NotVisible => {
                "There is no such installation among those that you can see on GitHub. Sign in to GitHub as \
                 somebody who administers the account, and start again from the product."
            }
            Self::NotAdministered => {
                "You can see this installation, but GitHub does not name you an administrator of its account. Ask \
                 one to connect it."
            }
            Self::UnbindableAccount => {
                "The App is installed on an enterprise, or on an account that GitHub does not name. Only a user or \
                 an organization can be connected: install the App there."
            }
            Self::TicketRefused => {
                "This question was answered before, or a later visit took its place. Go back to the product; start \
                 again from there if nothing is connected."
            }
            Self::OtherBrowser => {
                "The answer did not come from the browser that was asked. Start again from the product, in one \
                 browser with cookies allowed."
            }
        }
    }

    /// The code that a program sees in place of the page.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        ErrorCode::Validation
    }
}
