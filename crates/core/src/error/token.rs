use std::time::Duration;

use time::OffsetDateTime;

use super::{ErrorCode, PortError};
use crate::model::{Binding, DenialCause, Presence, Status};

/// Why [`Dockline::token`](crate::Dockline::token) failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The organization has no binding. Handling: send it through the install flow.
    #[error("the organization has no installation")]
    NotBound,
    /// The installation is suspended. Handling: its owner unsuspends it at GitHub.
    #[error("the installation is suspended")]
    Suspended,
    /// GitHub has not shown the installation for less than an hour, or is about to uninstall it. Handling: retry after the next
    /// look; keep the organization's data.
    #[error("GitHub does not show the installation; the next look is at {next_look}")]
    Missing {
        /// The time of the next look.
        next_look: OffsetDateTime,
    },
    /// The installation was uninstalled. Handling: detach it, and send the organization through the
    /// install flow.
    #[error("the installation was uninstalled")]
    Uninstalled,
    /// GitHub reports another account for the installation than the bound one. Handling: detach it and investigate.
    #[error("the installation is on another account than the bound one")]
    AccountChanged,
    /// GitHub denies the App the installation, because of a setting of its account. Handling: the account's administrator
    /// changes the setting.
    #[error("GitHub denies the installation: {0}")]
    Denied(DenialCause),
    /// The scope exceeds the permissions or repositories that were granted. Handling: narrow the scope, or have the owner
    /// accept the App's permissions.
    #[error("the requested scope exceeds what was granted: {message}")]
    NotGranted {
        /// GitHub's message.
        message: String,
    },
    /// The binding changed during every attempt to mint a token. Handling: retry.
    #[error("the binding changed while the token was being minted")]
    Unsettled,
    /// Infrastructure failure. Handling: retry; nothing was changed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl TokenError {
    /// Returns why a bound installation has no tokens; `None` if it has.
    pub(crate) fn unusable(bound: &Binding) -> Option<Self> {
        match bound.life.presence {
            Presence::Missing { .. } | Presence::Ending { .. } => {
                Some(Self::Missing { next_look: bound.life.next_look_at.unwrap_or(bound.life.observed_at) })
            }
            Presence::Uninstalled { .. } => Some(Self::Uninstalled),
            Presence::Shown => Self::unusable_status(bound.status),
        }
    }

    /// Returns why an installation that GitHub shows with this status has no tokens; `None` if it has.
    pub(crate) const fn unusable_status(status: Status) -> Option<Self> {
        match status {
            Status::Active => None,
            Status::Suspended => Some(Self::Suspended),
            Status::Uninstalled => Some(Self::Uninstalled),
        }
    }
}

/// Why [`Dockline::repositories`](crate::Dockline::repositories) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoriesError {
    /// The organization has no binding. Handling: 404.
    #[error("the organization has no installation")]
    NotBound,
    /// The installation is suspended, uninstalled, or on another account than the bound one (then the binding's status is
    /// active). Handling: 422; the response may show the binding, which is the caller's own.
    #[error("the repositories of the installation cannot be listed; its status is {}", .0.status)]
    Unusable(Box<Binding>),
    /// GitHub denies the App the installation, because of a setting of its account. Handling: 422 with the cause; the response
    /// may show the binding, which is the caller's own.
    #[error("GitHub denies the repositories of the installation: {cause}")]
    Denied {
        /// The binding.
        binding: Box<Binding>,
        /// The cause.
        cause: DenialCause,
    },
    /// The installation has access to more than [`Dockline::MOST_REPOSITORIES`](crate::Dockline::MOST_REPOSITORIES)
    /// repositories. Handling: 422; the owner of the account selects fewer at GitHub.
    #[error("the installation has more than {} repositories", crate::Dockline::MOST_REPOSITORIES)]
    TooMany(Box<Binding>),
    /// GitHub has not shown the installation for less than an hour, or is about to uninstall it. Handling: 502; retry after the
    /// next look.
    #[error("GitHub does not show the installation; retry in {} s", retry_after.as_secs())]
    Missing {
        /// The time until the next look.
        retry_after: Duration,
    },
    /// Infrastructure failure. Handling: retry; nothing was changed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl RepositoriesError {
    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotBound => ErrorCode::NotFound,
            Self::Unusable(_) | Self::Denied { .. } | Self::TooMany(_) => ErrorCode::Validation,
            Self::Missing { .. } => ErrorCode::PlatformError,
            Self::Port(error) => error.code(),
        }
    }
}
