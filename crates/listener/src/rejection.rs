//! Responses that the listener makes without the service.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// Why the listener answered a request without the service, or instead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The input is not HTTP.
    Malformed,
    /// The request head did not arrive in time.
    HeadTimeout,
    /// Path and query are too long.
    TargetTooLong,
    /// The request has too many header fields, or too many bytes of them.
    HeadTooLarge,
    /// The service panicked or returned an error.
    ServiceFailed,
    /// The service did not respond in time.
    ResponseTimeout,
    /// Too many requests are waiting.
    Overloaded,
}

impl Rejection {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::HeadTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::ServiceFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ResponseTimeout | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns a sentence for the client's developer.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "This is not a valid HTTP/1.1 or HTTP/2 request.",
            Self::HeadTimeout => "The request head did not arrive in time.",
            Self::TargetTooLong => "Path and query are too long.",
            Self::HeadTooLarge => "The request has too many header fields, or they are too large.",
            Self::ServiceFailed => "The server failed to process the request.",
            Self::ResponseTimeout => "The request took too long and was abandoned. Try again.",
            Self::Overloaded => "The server has too many open requests. Try again.",
        }
    }
}

/// Makes the responses of rejections.
#[derive(Clone)]
pub(crate) struct Rejections(Arc<dyn Fn(Rejection) -> Response<Bytes> + Send + Sync>);

impl Rejections {
    pub(crate) fn new(response: impl Fn(Rejection) -> Response<Bytes> + Send + Sync + 'static) -> Self {
        Self(Arc::new(response))
    }

    pub(crate) fn response(&self, rejection: Rejection) -> Response<Bytes> {
        let mut response = (self.0)(rejection);
        *response.status_mut() = rejection.status();
        if rejection.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
        }
        response
    }

    /// Returns the response as the last bytes of an HTTP/1 connection.
    pub(crate) fn http1(&self, rejection: Rejection) -> Vec<u8> {
        let (mut head, body) = self.response(rejection).into_parts();
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        head.headers.insert(header::CONTENT_LENGTH, body.len().into());
        // `StatusCode` displays code and reason phrase.
        let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        for (name, value) in &head.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        bytes
    }
}

impl Default for Rejections {
    /// The message as plain text.
    fn default() -> Self {
        Self::new(|rejection| {
            let mut response = Response::new(Bytes::from_static(rejection.message().as_bytes()));
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
            response
        })
    }
}

impl fmt::Debug for Rejections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Rejections")
    }
}
