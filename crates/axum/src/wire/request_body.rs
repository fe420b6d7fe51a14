//! Reads the body of a request; checks media type, then size.

use axum::extract::Request;
use dockline::{Issue, IssueCode};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::ApiErrorCode;
use super::error::ApiError;

/// The size limit of a body.
const MAX_BYTES: usize = 16 * 1024;

/// Reads a body of `media_type` and at most [`MAX_BYTES`] bytes.
pub(crate) async fn read(request: Request, media_type: &str) -> Result<Vec<u8>, ApiError> {
    check_media_type(request.headers(), &[media_type])?;
    let too_large = || {
        let message = "The body is larger than 16 KiB.";
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ApiErrorCode::PayloadTooLarge, message)
    };
    // Rejects by Content-Length before any byte is awaited.
    if content_length(request.headers()).is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(too_large());
    }
    match Limited::new(request.into_body(), MAX_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(incomplete()),
    }
}

/// Returns `Content-Length`.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(crate) fn incomplete() -> ApiError {
    let message = "The body is incomplete. Send all of it.";
    ApiError::validation(vec![Issue::new("", IssueCode::Malformed, message)])
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
