use super::{ErrorCode, PortError};
use crate::model::{Binding, Status};

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nothing is bound. Handling: send the organization through install-url.
    #[error("the organization has no installation")]
    NotBound,
    /// The installation is suspended. Handling: its owner has to unsuspend it at GitHub (L-57).
    #[error("the installation is suspended")]
    Suspended,
    /// The installation is gone for ever. Handling: detach, and send the organization through install-url (L-56).
    #[error("the installation was uninstalled")]
    Uninstalled,
    /// GitHub names another account for the installation than the one that was bound. Handling: detach; look into it
    /// (L-13).
    #[error("the installation is on another account than the one that was bound")]
    AccountChanged,
    /// More was asked for than was granted. Handling: ask for less, or have the owner accept the App's permissions.
    #[error("more was asked for than was granted: {message}")]
    NotGranted {
        /// GitHub's own words.
        message: String,
    },
    /// The binding changed again and again while the token was being minted. Handling: ask again.
    #[error("the binding changed while the token was being minted")]
    Unsettled,
    /// Infrastructure trouble. Handling: nothing changed, the same call may be repeated.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl TokenError {
    pub(crate) const fn unusable(status: Status) -> Option<Self> {
        match status {
            Status::Active => None,
            Status::Suspended => Some(Self::Suspended),
            Status::Uninstalled => Some(Self::Uninstalled),
        }
    }
}

/// Why the repositories were not listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoriesError {
    /// Nothing is bound. Handling: 404.
    #[error("the organization has no installation")]
    NotBound,
    /// The binding gives no tokens: suspended, uninstalled, or on another account than before. Handling: 422; the
    /// binding is the caller's own.
    #[error("the installation is {}", .0.status)]
    Unusable(Box<Binding>),
    /// Infrastructure trouble.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl RepositoriesError {
    /// The code that the caller sees.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotBound => ErrorCode::NotFound,
            Self::Unusable(_) => ErrorCode::Validation,
            Self::Port(error) => error.code(),
        }
    }
}
