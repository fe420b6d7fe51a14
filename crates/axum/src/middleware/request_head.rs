//! Rejects request heads that other HTTP implementations, such as a proxy in front, may read differently.

use axum::extract::Request;
use http::uri::Authority;
use http::{StatusCode, Version, header};

use crate::wire::ApiErrorCode;
use crate::wire::error::ApiError;

/// Checks host and framing.
///
/// # Errors
/// 400.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    check_host(request)?;
    check_transfer_encoding(request)
}

fn refused(message: &'static str) -> Result<(), ApiError> {
    Err(ApiError::new(StatusCode::BAD_REQUEST, ApiErrorCode::BadRequest, message))
}

/// Requires exactly one well-formed `Host` (RFC 9112 §3.2), also if the target is an absolute URL: hyper accepts none, several
/// and malformed ones, and proxies may disagree on which one counts. HTTP/1.0 has no `Host`, HTTP/2 has `:authority`
/// (RFC 9113 §8.3.1).
fn check_host(request: &Request) -> Result<(), ApiError> {
    let named = request.uri().authority();
    if named.is_some_and(|named| well_formed(named.as_str().as_bytes()).is_none()) {
        return refused("The request target names a host that is not a host with an optional port.");
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() != Version::HTTP_11 => Ok(()),
        (Some(host), None) => match well_formed(host.as_bytes()) {
            None => refused("The Host header is not a host with an optional port."),
            Some(host)
                if request.version() >= Version::HTTP_2 && named.is_some_and(|named| *named != host) =>
            {
                refused("The Host header names another host than the request does.")
            }
            Some(_) => Ok(()),
        },
        _ => refused("A request has exactly one Host header."),
    }
}

/// Parses a name or address with an optional port. Rejects other characters that URLs allow, such as those of user
/// information, and a comma, with which some proxies join two headers.
fn well_formed(host: &[u8]) -> Option<Authority> {
    let authority = Authority::try_from(host).ok()?;
    let name = authority.host();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let port = authority.as_str().strip_prefix(name)?;
    let port = match port.strip_prefix(':') {
        Some(port) => port.is_empty() || port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    (port && !name.is_empty() && name.bytes().all(plain)).then_some(authority)
}

/// Accepts `chunked` alone. hyper decodes only that, and would pass on a body that is still compressed.
fn check_transfer_encoding(request: &Request) -> Result<(), ApiError> {
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => refused("The only Transfer-Encoding that is accepted is chunked."),
    }
}
