use std::fmt;

use serde::{Serialize, Serializer};

/// The stable, machine-readable code of an error answer. Codes may be added, never renamed or reused; each has its row
/// in `docs/error-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is understood and wrong, or names what cannot be claimed.
    Validation,
    /// No valid API key.
    Unauthenticated,
    /// The key lacks the scope.
    ForbiddenScope,
    /// The `returnUrl` is not on the key's list.
    ReturnUrlNotAllowed,
    /// There is no such thing, or it is another tenant's.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The organization is bound to another installation.
    Conflict,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The request is not proper HTTP, such as one with two `Host` headers.
    BadRequest,
    /// The key's budget is used up, or too many requests without valid credentials came from one address.
    RateLimited,
    /// GitHub is in trouble, or limits us.
    PlatformError,
    /// Our store cannot be reached.
    Unavailable,
    /// The fault is ours.
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
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::BadRequest,
        Self::RateLimited,
        Self::PlatformError,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "VALIDATION",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::ForbiddenScope => "FORBIDDEN_SCOPE",
            Self::ReturnUrlNotAllowed => "RETURN_URL_NOT_ALLOWED",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::BadRequest => "BAD_REQUEST",
            Self::RateLimited => "RATE_LIMITED",
            Self::PlatformError => "PLATFORM_ERROR",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether the same call may succeed later without a change by the caller.
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
