use std::time::Duration;

use super::{ErrorCode, Issue, IssueCode, PortError};
use crate::model::{Binding, Budget, DenialCause, KeyId, OrganizationId, spelled};

/// Why a [`Dockline`](crate::Dockline) could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The policy needs visitors to authorize the App, and the gateway has no OAuth client for it. Handling: configure the
    /// App's OAuth client, or choose [`crate::ClaimPolicy::State`] after reading its warning. The policy is never weakened
    /// silently.
    #[error("this claim policy needs the App's OAuth client id and secret, and the GitHub gateway has none")]
    PolicyNeedsOauthClient,
}

/// Why [`Dockline::authenticate`](crate::Dockline::authenticate) did not allow a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticateError {
    /// No valid key. Handling: 401, without saying which part of the key is wrong.
    #[error("no valid API key")]
    Unauthenticated,
    /// The key lacks the scope. Handling: 403.
    #[error("the key lacks the scope")]
    ForbiddenScope {
        /// The key, for logs.
        key: KeyId,
        /// The key's organization, for logs.
        organization: OrganizationId,
        /// The budget's level; nothing was charged.
        budget: Option<Budget>,
    },
    /// The key's budget is used up. Handling: 429 with `Retry-After`.
    #[error("the key's budget is used up")]
    RateLimited {
        /// The key, for logs.
        key: KeyId,
        /// The key's organization, for logs.
        organization: OrganizationId,
        /// The budget's level.
        budget: Budget,
        /// The time after which the same request is allowed, if no other request takes its place.
        retry_after: Duration,
    },
    /// The store returned the data of another key or organization, which is a bug of the adapter or of a pooler. The
    /// data was not used. Handling: 500, and close the connection.
    #[error("the store answered about another key")]
    Mismatched,
    /// Infrastructure failure. Handling: do not allow the request.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl AuthenticateError {
    /// Returns the key and its organization for logs, if the key was valid.
    #[must_use]
    pub const fn key(&self) -> Option<(&KeyId, &OrganizationId)> {
        match self {
            Self::ForbiddenScope { key, organization, .. } | Self::RateLimited { key, organization, .. } => {
                Some((key, organization))
            }
            Self::Unauthenticated | Self::Mismatched | Self::Port(_) => None,
        }
    }

    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::ForbiddenScope { .. } => ErrorCode::ForbiddenScope,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Mismatched => ErrorCode::Internal,
            Self::Port(error) => error.code(),
        }
    }
}

/// Why [`Dockline::charge`](crate::Dockline::charge) did not allow a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChargeError {
    /// The budget is used up. Handling: 429 with `Retry-After`.
    #[error("the budget is used up")]
    RateLimited {
        /// The budget's level.
        budget: Budget,
        /// The time after which the same request is allowed, if no other request takes its place.
        retry_after: Duration,
    },
    /// Infrastructure failure. Handling: do not allow the request.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl ChargeError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Port(error) => error.code(),
        }
    }
}

/// Why [`Dockline::start_install`](crate::Dockline::start_install) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartInstallError {
    /// The request is invalid. Handling: 422 with the issues.
    #[error("the request is invalid")]
    Invalid(Vec<Issue>),
    /// The caller may not return to the host of `returnUrl`, or not by its scheme. Handling: 403.
    #[error("the caller may not return to this return URL")]
    ReturnUrlNotAllowed,
    /// Infrastructure failure. Handling: retry; no state was issued.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl StartInstallError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::Validation,
            Self::ReturnUrlNotAllowed => ErrorCode::ReturnUrlNotAllowed,
            Self::Port(error) => error.code(),
        }
    }
}

spelled! {
    /// Why an installation was not bound. For operators only: the caller gets [`RefusalReason::issue`], which says less.
    #[non_exhaustive]
    pub enum RefusalReason("refusal reason") {
        /// The state was not issued to the organization.
        UnknownState = "unknown_state",
        /// The state has expired.
        ExpiredState = "expired_state",
        /// The state is tied to another installation.
        TiedToAnother = "tied_to_another",
        /// The proof is missing or weaker than the policy requires.
        Unproven = "unproven",
        /// The installation does not exist, or the App cannot see it.
        NoSuchInstallation = "no_such_installation",
        /// The installation belongs to another App.
        ForeignApp = "foreign_app",
        /// The installation is on an enterprise, or on an account that GitHub does not name.
        UnbindableAccount = "unbindable_account",
        /// The installation is on another account than the visitor's proof names.
        AccountChanged = "account_changed",
        /// The installation is bound to another organization.
        Taken = "taken",
        /// An earlier binding of the organization used the state.
        SpentState = "spent_state",
        /// The installation was uninstalled.
        Gone = "gone",
        /// GitHub denies the App the installation, and the caller has proven nothing about it.
        Denied = "denied",
    }
}

impl std::error::Error for RefusalReason {}

impl RefusalReason {
    /// Returns the issue for the caller. All reasons that concern the installation have the same issue, so that an
    /// installation of another organization looks exactly like one that does not exist.
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
            | Self::Gone
            | Self::Denied => Issue::new(
                "installationId",
                IssueCode::NotClaimable,
                "This installation does not exist, or cannot be claimed with this state. Send the user through \
                 install-url and post the installation_id and state of the redirect.",
            ),
        }
    }
}

/// Why [`Dockline::register`](crate::Dockline::register) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The installation cannot be claimed. Handling: 422 with [`RefusalReason::issue`]; log the reason.
    #[error("the installation cannot be claimed: {0}")]
    Refused(RefusalReason),
    /// The organization is bound to another installation. Handling: 409; the response may show the binding, which is the
    /// caller's own.
    #[error("the organization is bound to another installation")]
    Conflict(Box<Binding>),
    /// GitHub denies the App the installation, whose account the caller has proven to control. Handling: 422 with the cause;
    /// the account's administrator changes the setting.
    #[error("GitHub denies the installation: {0}")]
    Denied(DenialCause),
    /// Infrastructure failure. Handling: retry the same call; the binding was written completely or not at all.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl RegisterError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) | Self::Denied(_) => ErrorCode::Validation,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::Port(error) => error.code(),
        }
    }
}

/// Why [`Dockline::detach`](crate::Dockline::detach) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetachError {
    /// The organization has no binding. Handling: 404; a retry may treat it as success.
    #[error("the organization has no installation")]
    NotBound,
    /// GitHub denies the uninstallation, so nothing was changed. Handling: 422; the response may show the binding, which is
    /// the caller's own. A detach without uninstallation works.
    #[error("GitHub denies the uninstallation: {cause}")]
    Denied {
        /// The binding.
        binding: Box<Binding>,
        /// The cause.
        cause: DenialCause,
    },
    /// GitHub's response to the request to uninstall was lost, so the App may or may not be uninstalled. The binding is
    /// kept. Handling: retry the same call.
    #[error("it is unknown whether GitHub uninstalled the App")]
    UninstallUnknown(#[source] PortError),
    /// Infrastructure failure. Handling: retry the same call.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl DetachError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotBound => ErrorCode::NotFound,
            Self::Denied { .. } => ErrorCode::Validation,
            Self::UninstallUnknown(error) | Self::Port(error) => error.code(),
        }
    }
}
