//! Reading a body: media type, then size, then content (`contract.md` §3, lesson L-65).

use axum::extract::Request;
use dockline::{Issue, IssueCode};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::ApiErrorCode;
use super::error::ApiError;

/// The most bytes of a body.
pub(crate) const LARGEST: usize = 16 * 1024;

/// Reads a body of `media_type` and at most [`LARGEST`] bytes.
pub(crate) async fn read(request: Request, media_type: &str) -> Result<Vec<u8>, ApiError> {
    check_media_type(request.headers(), &[media_type])?;
    let too_large = || {
        let message = "The body is larger than 16 KiB.";
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ApiErrorCode::PayloadTooLarge, message)
    };
    // An announced length is judged before a byte is waited for.
    if announced(request.headers()).is_some_and(|length| length > LARGEST as u64) {
        return Err(too_large());
    }
    match Limited::new(request.into_body(), LARGEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(broken_off()),
    }
}

/// `Content-Length`
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(crate) fn broken_off() -> ApiError {
    let message = "The body broke off. Send the whole of it.";
    ApiError::validation(vec![Issue::new("", IssueCode::Malformed, message)])
}

/// Whether there is exactly one `Content-Type`, one of `expected` in UTF-8, and no `Content-Encoding`.
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
    // A compressed body is not what it says it is, and can be far larger than it looks.
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
