use std::fmt;

use serde::{Serialize, Serializer};

/// The stable, machine-readable code of a refusal or a failure. Codes may be added, but are never renamed or reused.
///
/// An HTTP layer adds its own codes for errors of HTTP, such as `METHOD_NOT_ALLOWED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is malformed, or names an installation that cannot be claimed.
    Validation,
    /// The request has no valid credential.
    Unauthenticated,
    /// The credential lacks the scope.
    ForbiddenScope,
    /// The `returnUrl` names a host that the caller may not return to.
    ReturnUrlNotAllowed,
    /// The resource does not exist, or belongs to another tenant.
    NotFound,
    /// The organization is bound to another installation.
    Conflict,
    /// The budget is used up.
    RateLimited,
    /// GitHub failed or limits the App's requests.
    PlatformError,
    /// A store is unreachable.
    Unavailable,
    /// A bug or a wrong configuration of this program.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: &[Self] = &[
        Self::Validation,
        Self::Unauthenticated,
        Self::ForbiddenScope,
        Self::ReturnUrlNotAllowed,
        Self::NotFound,
        Self::Conflict,
        Self::RateLimited,
        Self::PlatformError,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Returns the code as responses spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "VALIDATION",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::ForbiddenScope => "FORBIDDEN_SCOPE",
            Self::ReturnUrlNotAllowed => "RETURN_URL_NOT_ALLOWED",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::RateLimited => "RATE_LIMITED",
            Self::PlatformError => "PLATFORM_ERROR",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// Returns whether the same call may succeed later without a change by the caller.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::PlatformError | Self::Unavailable)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
