//! Runs `git-http-backend`, which is a CGI program.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tokio::process::Command;

use super::access::GitService;
use super::process::{GitError, run};

const GIT_PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");

/// An authorized request.
#[derive(Debug)]
pub(super) struct BackendRequest<'a> {
    /// The repository's folder, relative to the backend's.
    pub(super) folder: &'a str,
    /// The path below the repository, such as `info/refs`.
    pub(super) resource: &'a str,
    pub(super) service: GitService,
    pub(super) parts: &'a Parts,
    pub(super) body: Bytes,
}

/// Runs the backend for one request.
pub(super) async fn call(mut backend: Command, request: BackendRequest<'_>) -> Result<Response, GitError> {
    let BackendRequest { folder, resource, service, parts, body } = request;
    let header =
        |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let query = if resource == "info/refs" { format!("service={}", service.as_str()) } else { String::new() };
    backend
        .env("PATH_INFO", format!("/{folder}/{resource}"))
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("CONTENT_TYPE", header(CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", header(CONTENT_ENCODING))
        .env("GIT_PROTOCOL", header(GIT_PROTOCOL))
        .env("GIT_HTTP_EXPORT_ALL", "1");
    if service == GitService::Push {
        // The backend allows pushes by authenticated users, and the request is authorized already.
        backend.env("REMOTE_USER", "x-access-token");
    }
    let output = run(backend, body).await?.expect_success(service.as_str())?;
    parse_response(output.into())
        .ok_or_else(|| GitError::Failed("git-http-backend sent a malformed response".to_owned()))
}

/// Parses a CGI response: header lines, one of which is `Status`, an empty line and the body.
fn parse_response(output: Bytes) -> Option<Response> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(output.get(..end)?).ok()?;
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            status = value.split(' ').next()?.parse().ok()?;
        } else {
            headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
    }
    let body = output.slice(end + 4..);
    Some((status, headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgi_response_is_parsed_and_malformed_ones_are_rejected() {
        let output = "Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno\r\n\r\nsuch";
        let response = parse_response(Bytes::from_static(output.as_bytes())).unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(parse_response(Bytes::from_static(b"Expires: never\r\n\r\n")).unwrap().status(), 200);
        for broken in
            [&b""[..], b"Expires: never\r\n", b"Expires\r\n\r\n", b"Status: x\r\n\r\n", b"\xff: a\r\n\r\n"]
        {
            assert!(parse_response(Bytes::from_static(broken)).is_none(), "{broken:?}");
        }
    }
}
