//! Reads the body of a request; checks media type, then size.

use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

use super::ApiErrorCode;
use super::error::ApiError;

/// The size limit of a body.
const MAX_BYTES: usize = 16 * 1024;

/// Time for the body of a request without [`BodyDeadline`].
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// Reads a body of `media_type` and at most [`MAX_BYTES`] bytes.
pub(crate) async fn read(request: Request, media_type: &str) -> Result<Bytes, ApiError> {
    check_media_type(request.headers(), &[media_type])?;
    let too_large = || {
        let message = "The body is larger than 16 KiB.";
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ApiErrorCode::PayloadTooLarge, message)
    };
    // Rejects by Content-Length before any byte is awaited.
    if content_length(request.headers()).is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(too_large());
    }
    let deadline = BodyDeadline::of(&request);
    match timeout_at(deadline, Limited::new(request.into_body(), MAX_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(unreadable(&*error)),
        Err(_) => Err(too_slow()),
    }
}

/// Extension of a request: when its body must be complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyDeadline(pub(crate) Instant);

impl BodyDeadline {
    fn of(request: &Request) -> Instant {
        let deadline = request.extensions().get::<Self>();
        deadline.map_or_else(|| Instant::now() + DEFAULT_DEADLINE, |Self(deadline)| *deadline)
    }
}

/// Returns `Content-Length`.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns the error of a body that cannot be read: 408 if the server's own timeout ended it, such as that of
/// `dockline-listener`, and 400 otherwise.
pub(crate) fn unreadable(error: &(dyn Error + 'static)) -> ApiError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut) {
            return too_slow();
        }
        cause = error.source();
    }
    let message = "The body is incomplete, or its chunks are malformed. Send all of it.";
    ApiError::new(StatusCode::BAD_REQUEST, ApiErrorCode::BadRequest, message)
}

/// Returns the error of a body that does not arrive in time.
pub(crate) fn too_slow() -> ApiError {
    let message = "The body did not arrive in time. Send all of it.";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ApiErrorCode::BadRequest, message)
}

/// Requires exactly one `Content-Type`, one of `expected` in UTF-8, and no `Content-Encoding`.
pub(crate) fn check_media_type(headers: &HeaderMap, expected: &[&str]) -> Result<(), ApiError> {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let single = match (given.next(), given.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let fits = single.is_some_and(|value| {
        let mut parts = value.split(';').map(str::trim);
        let essence =
            parts.next().is_some_and(|essence| expected.iter().any(|one| essence.eq_ignore_ascii_case(one)));
        essence && parts.all(is_utf8_or_no_charset)
    });
    // A compressed body can be far larger than its bytes.
    let encoded = headers.get_all(header::CONTENT_ENCODING).iter().next().is_some();
    if fits && !encoded {
        return Ok(());
    }
    let message = match expected {
        ["application/json"] => "Send Content-Type: application/json in UTF-8, without Content-Encoding.",
        [_, _, ..] => {
            "Send Content-Type: application/json or application/x-www-form-urlencoded, without Content-Encoding."
        }
        _ => "Send Content-Type: application/x-www-form-urlencoded, without Content-Encoding.",
    };
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ApiErrorCode::UnsupportedMediaType, message))
}

fn is_utf8_or_no_charset(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    }
}
