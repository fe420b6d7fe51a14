use std::fmt;

use dockline::ErrorCode;
use serde::{Serialize, Serializer};

/// The `code` of an error response: the core's codes and those of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiErrorCode {
    /// An error of a use case.
    Core(ErrorCode),
    /// The path does not accept the method.
    MethodNotAllowed,
    /// The body is too large.
    PayloadTooLarge,
    /// The body's media type is not accepted.
    UnsupportedMediaType,
    /// The request is malformed HTTP, such as one with two `Host` headers.
    BadRequest,
    /// A browser sent the request for a page of another site, with an ambient credential.
    CrossSiteRequest,
}

impl ApiErrorCode {
    /// Returns every code, the core's first.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = [
            Self::MethodNotAllowed,
            Self::PayloadTooLarge,
            Self::UnsupportedMediaType,
            Self::BadRequest,
            Self::CrossSiteRequest,
        ];
        ErrorCode::ALL.iter().copied().map(Self::Core).chain(own)
    }

    /// Returns the code as in a response.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core(code) => code.as_str(),
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::BadRequest => "BAD_REQUEST",
            Self::CrossSiteRequest => "CROSS_SITE_REQUEST",
        }
    }
}

impl From<ErrorCode> for ApiErrorCode {
    fn from(code: ErrorCode) -> Self {
        Self::Core(code)
    }
}

impl PartialEq<ErrorCode> for ApiErrorCode {
    fn eq(&self, other: &ErrorCode) -> bool {
        *self == Self::Core(*other)
    }
}

impl fmt::Display for ApiErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ApiErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
