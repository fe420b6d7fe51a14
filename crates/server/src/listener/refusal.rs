//! What the listener refuses by itself, in the contract's envelope.

use axum::response::Response;
use dockline::ErrorCode;
use dockline_axum::ApiErrorCode;
use dockline_axum::ErrorEnvelope;
use http::StatusCode;

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What came is not HTTP.
    Malformed,
    /// The head did not come in time.
    LateHead,
    /// Path and query are too long.
    LongTarget,
    /// Too many headers, or too many bytes of them.
    LargeHead,
    /// A handler panicked.
    Panicked,
    /// No answer in time.
    Late,
    /// More requests wait than there is room for.
    Busy,
}

impl Refusal {
    /// The one for a status of hyper's; `None` where it is none of its refusals.
    pub(super) fn of_status(status: &[u8]) -> Option<Self> {
        [Self::Malformed, Self::LongTarget, Self::LargeHead]
            .into_iter()
            .find(|refusal| refusal.status().as_str().as_bytes() == status)
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::LateHead => StatusCode::REQUEST_TIMEOUT,
            Self::LongTarget => StatusCode::URI_TOO_LONG,
            Self::LargeHead => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Late | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn envelope(self) -> ErrorEnvelope {
        let (code, message) = match self {
            Self::Malformed => (ApiErrorCode::BadRequest, "This is not a request of HTTP/1.1 or HTTP/2."),
            Self::LateHead => (ApiErrorCode::BadRequest, "The request's head did not come in time."),
            Self::LongTarget => (ApiErrorCode::BadRequest, "Path and query are too long."),
            Self::LargeHead => {
                (ApiErrorCode::BadRequest, "The request has too many headers, or they are too large.")
            }
            Self::Panicked => (
                ErrorCode::Internal.into(),
                "Something went wrong on our side. Quote the request id to support.",
            ),
            Self::Late => (
                ErrorCode::Unavailable.into(),
                "The request took too long and was given up. The same call may be repeated.",
            ),
            Self::Busy => (
                ErrorCode::Unavailable.into(),
                "Too many requests are under way. The same call may be repeated.",
            ),
        };
        ErrorEnvelope::new(code, message)
    }

    /// As an answer of a service.
    pub(super) fn to_response(self) -> Response {
        let mut response = self.envelope().into_response(self.status());
        if matches!(self, Self::Late | Self::Busy) {
            response.headers_mut().insert(http::header::RETRY_AFTER, 1.into());
        }
        response
    }

    /// As the last bytes of a connection of HTTP/1.
    pub(super) fn to_http1(self) -> Vec<u8> {
        let (status, envelope) = (self.status(), self.envelope());
        let (id, json) = (envelope.request_id(), envelope.json());
        format!(
            "HTTP/1.1 {} {}\r\nconnection: close\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
             x-request-id: {id}\r\ncontent-length: {}\r\n\r\n{json}",
            status.as_str(),
            status.canonical_reason().unwrap_or_default(),
            json.len(),
        )
        .into_bytes()
    }
}
