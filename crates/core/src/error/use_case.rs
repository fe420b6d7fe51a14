use std::time::Duration;

use super::{ErrorCode, Issue, IssueCode, PortError};
use crate::model::{Binding, Budget, KeyId, OrganizationId, spelled};

/// Why a [`Dockline`](crate::Dockline) could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The policy asks for a proof that a visitor gives, and the gateway has no OAuth client to ask with. Falling back
    /// to a weaker policy would be silent (L-07). Handling: configure the App's OAuth client, or choose
    /// [`crate::ClaimPolicy::State`] knowingly.
    #[error("this claim policy needs the App's OAuth client id and secret; the GitHub gateway has none")]
    PolicyNeedsOauthClient,
}

/// Why a request was not authenticated or not allowed.
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
    /// Infrastructure trouble. If the rate limiter fails, the request is not allowed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl AuthenticateError {
    /// Returns the key and its organization if the key was valid: for logs.
    #[must_use]
    pub const fn key(&self) -> Option<(&KeyId, &OrganizationId)> {
        match self {
            Self::ForbiddenScope { key, organization, .. } | Self::RateLimited { key, organization, .. } => {
                Some((key, organization))
            }
            Self::Unauthenticated | Self::Port(_) => None,
        }
    }

    /// Returns the code for an answer.
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

/// Why a request was not charged to a budget.
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
    /// Infrastructure trouble. Handling: do not allow the request.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl ChargeError {
    /// Returns the code for an answer.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
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

spelled! {
    /// Why an installation was not bound: for the operator. The caller learns less, see [`RefusalReason::issue`].
    #[non_exhaustive]
    pub enum RefusalReason("refusal reason") {
        /// The state was not issued to the organization.
        UnknownState = "unknown_state",
        /// The state has expired.
        ExpiredState = "expired_state",
        /// The state is tied to another installation.
        TiedToAnother = "tied_to_another",
        /// The proof is missing or weaker than the policy asks for.
        Unproven = "unproven",
        /// GitHub has no such installation, or the App cannot see it.
        NoSuchInstallation = "no_such_installation",
        /// The installation belongs to another App.
        ForeignApp = "foreign_app",
        /// The installation is on an enterprise, or on an account that GitHub does not name.
        UnbindableAccount = "unbindable_account",
        /// The installation is on another account than the one that the visitor proved.
        AccountChanged = "account_changed",
        /// The installation is bound to another organization.
        Taken = "taken",
        /// The state was spent on an earlier binding.
        SpentState = "spent_state",
        /// The installation was uninstalled.
        Gone = "gone",
    }
}

impl std::error::Error for RefusalReason {}

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
}

/// Why an installation was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Not claimable. Handling: 422 with [`RefusalReason::issue`]; the reason itself is for the operator only.
    #[error("refused: {0}")]
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

/// Why a binding was not ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetachError {
    /// The organization has no binding. Handling: 404; a repeated call may treat it as done.
    #[error("the organization has no installation")]
    NotBound,
    /// Infrastructure trouble. Handling: repeat the call.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl DetachError {
    /// Returns the code for an answer.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotBound => ErrorCode::NotFound,
            Self::Port(error) => error.code(),
        }
    }
}
