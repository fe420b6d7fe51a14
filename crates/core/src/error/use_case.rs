use std::time::Duration;

use super::{ErrorCode, Issue, IssueCode, PortError};
use crate::model::{Binding, Budget, Caller};

/// Why the Dockline could not be put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The policy asks for a proof that a visitor gives, and the gateway has no OAuth client to ask with. Falling back
    /// to a weaker policy would be silent (L-07). Handling: configure the App's OAuth client, or choose
    /// [`crate::ClaimPolicy::State`] knowingly.
    #[error("this claim policy needs the App's OAuth client id and secret; the GitHub gateway has none")]
    PolicyNeedsOauthClient,
}

/// Why a request was not let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticateError {
    /// No valid key. Handling: 401, and not a word on which part was wrong.
    #[error("no valid API key")]
    Unauthenticated,
    /// The key lacks the scope. Handling: 403.
    #[error("the key lacks the scope")]
    ForbiddenScope {
        /// Whose key it is.
        caller: Box<Caller>,
        /// Where the key stands; not charged for this request.
        budget: Option<Budget>,
    },
    /// The key's budget is used up. Handling: 429 with `Retry-After`.
    #[error("the key's budget is used up")]
    RateLimited {
        /// Whose key it is.
        caller: Box<Caller>,
        /// Where the key stands.
        budget: Budget,
        /// After how long the same request will be let in, if no other takes its place.
        retry_after: Duration,
    },
    /// Infrastructure trouble. A failing limiter lets nothing through.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl AuthenticateError {
    /// Who was not let in, where a valid key said so: for the host's log.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        match self {
            Self::ForbiddenScope { caller, .. } | Self::RateLimited { caller, .. } => Some(caller),
            Self::Unauthenticated | Self::Port(_) => None,
        }
    }

    /// The code that the caller sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::ForbiddenScope { .. } => ErrorCode::ForbiddenScope,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Port(error) => error.code(),
        }
    }
}

/// Why no install URL was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartInstallError {
    /// The request is wrong. Handling: 422 with the issues.
    #[error("the request is not valid")]
    Invalid(Vec<Issue>),
    /// The `returnUrl` is an absolute URL that the key may not return to. Handling: 403.
    #[error("the return URL is not on the key's list")]
    ReturnUrlNotAllowed,
    /// Infrastructure trouble.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl StartInstallError {
    /// The code that the caller sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::Validation,
            Self::ReturnUrlNotAllowed => ErrorCode::ReturnUrlNotAllowed,
            Self::Port(error) => error.code(),
        }
    }
}

/// Why an installation was not bound, for the operator's events. The caller learns less: see [`RefusalReason::issue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The organization was never issued this state; another one may have been.
    UnknownState,
    /// The state's time is over.
    ExpiredState,
    /// The state is tied to another installation.
    TiedToAnother,
    /// No visitor has shown what the policy asks for.
    Unproven,
    /// GitHub has no such installation, or our App cannot see it.
    NoSuchInstallation,
    /// It is an installation of another App.
    ForeignApp,
    /// It is on an enterprise, or on an account that GitHub does not name.
    UnbindableAccount,
    /// It is no longer on the account that the visitor showed.
    AccountChanged,
    /// It is bound to another organization.
    Taken,
    /// The state has made a binding already.
    SpentState,
    /// It was uninstalled.
    Gone,
}

impl RefusalReason {
    /// What the caller is told. Everything about the installation is one and the same answer, so that a foreign
    /// installation looks exactly like one that does not exist (`contract.md` §3, invariant I10).
    #[must_use]
    pub fn issue(self) -> Issue {
        match self {
            Self::UnknownState => Issue::new(
                "state",
                IssueCode::NotClaimable,
                "This state was not issued to your organization. Get a new one from install-url.",
            ),
            Self::ExpiredState => Issue::new(
                "state",
                IssueCode::Expired,
                "This state has expired. Get a new one from install-url.",
            ),
            Self::TiedToAnother
            | Self::Unproven
            | Self::NoSuchInstallation
            | Self::ForeignApp
            | Self::UnbindableAccount
            | Self::AccountChanged
            | Self::Taken
            | Self::SpentState
            | Self::Gone => Issue::new(
                "installationId",
                IssueCode::NotClaimable,
                "This installation does not exist, or cannot be claimed with this state. Send the user through \
                 install-url and post what the redirect brings back.",
            ),
        }
    }

    /// As it is spelled in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownState => "unknown_state",
            Self::ExpiredState => "expired_state",
            Self::TiedToAnother => "tied_to_another",
            Self::Unproven => "unproven",
            Self::NoSuchInstallation => "no_such_installation",
            Self::ForeignApp => "foreign_app",
            Self::UnbindableAccount => "unbindable_account",
            Self::AccountChanged => "account_changed",
            Self::Taken => "taken",
            Self::SpentState => "spent_state",
            Self::Gone => "gone",
        }
    }
}

/// Why an installation was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Not claimable. Handling: 422 with [`RefusalReason::issue`]; the reason itself is for the operator only.
    #[error("refused: {}", .0.as_str())]
    Refused(RefusalReason),
    /// The organization is bound to another installation. Handling: 409; the binding is the caller's own.
    #[error("the organization is bound to another installation")]
    Conflict(Box<Binding>),
    /// Infrastructure trouble. Handling: nothing was written, the same call may be repeated.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl RegisterError {
    /// The code that the caller sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) => ErrorCode::Validation,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::Port(error) => error.code(),
        }
    }
}
