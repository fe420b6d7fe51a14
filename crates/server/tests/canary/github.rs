//! A GitHub that returns known secrets, and fails in every way while it echoes what it received.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const APP: u64 = 5_000_000_007;
pub(crate) const INSTALLATION: u64 = 6_000_000_042;
pub(crate) const USER_TOKEN: &str = "ghu_UserTokenCanaryQwErTyUiOpAsDfGhJkLzXc";
pub(crate) const OPAQUE: &str = "ghs_OpaqueTokenCanaryQwErTyUiOpAsDfGhJkLz";
pub(crate) const STATELESS: &str = "ghs_5000000007_eyJhbGciOiJSUzI1NiJ9.eyJ0b2tlbiI6IkNhbmFyeSBTdGF0ZWxlc3MifQ.U3RhdGVsZXNzQ2FuYXJ5U2lnbmF0dXJl";

/// How it responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As GitHub, with tokens of the old or the new format.
    Well { stateless: bool },
    /// With this status, and an echo of the request in the message.
    Repeats(u16),
    /// With 200, and an echo of the request in every field.
    Mixed,
    /// With 200 and HTML.
    Html,
    /// With a body that is too large.
    Huge,
    /// Never.
    Never,
}

#[derive(Clone)]
pub(crate) struct Github {
    pub(crate) url: String,
    mode: Arc<Mutex<Mode>>,
    jwts: Arc<Mutex<Vec<String>>>,
}

impl Github {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mode = Arc::new(Mutex::new(Mode::Well { stateless: false }));
        let github = Self { url, mode, jwts: Arc::default() };
        let router = Router::new().fallback(answer).with_state(github.clone());
        let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(dockline_listener::Listener::new(listener).serve(service, std::future::pending()));
        github
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Returns the JWTs that it received.
    pub(crate) fn jwts(&self) -> Vec<String> {
        self.jwts.lock().unwrap().clone()
    }
}

async fn answer(State(github): State<Github>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if let Some(jwt) = bearer(&parts.headers).filter(|bearer| bearer.starts_with("eyJ")) {
        let mut jwts = github.jwts.lock().unwrap();
        if !jwts.contains(&jwt) {
            jwts.push(jwt);
        }
    }
    let mode = *github.mode.lock().unwrap();
    match mode {
        Mode::Well { stateless } => {
            let token = if stateless { STATELESS } else { OPAQUE };
            well(parts.method.as_str(), parts.uri.path(), token)
        }
        Mode::Repeats(status) => {
            let echo = repeated(&parts.headers, &body);
            let body = json!({ "message": echo, "error_description": echo, "error": "some_error" });
            // Headers that the client evaluates.
            let headers = [("retry-after", "1"), ("x-accepted-github-permissions", echo.as_str())];
            let headers = if status == 429 { &headers[..] } else { &headers[1..] };
            let mut response = json_of(status, &body);
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Mode::Mixed => {
            let echo = repeated(&parts.headers, &body);
            let body = json!({ "id": echo, "token": [echo], "access_token": { &echo: echo }, "error": echo,
                               "expires_at": echo, "installations": echo, "total_count": echo,
                               "repositories": [echo], "slug": echo, "name": 7, "message": echo });
            json_of(if parts.uri.path().ends_with("access_tokens") { 201 } else { 200 }, &body)
        }
        Mode::Html => Response::new(Body::from(format!("<html>{}</html>", repeated(&parts.headers, &body)))),
        Mode::Huge => Response::new(Body::from(repeated(&parts.headers, &body).repeat(80_000))),
        Mode::Never => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::OK.into_response()
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

/// Returns all secrets of the request.
fn repeated(headers: &HeaderMap, body: &Bytes) -> String {
    let authorization = headers.get(header::AUTHORIZATION).map_or("", |value| value.to_str().unwrap());
    let body = String::from_utf8_lossy(body);
    format!("bad: {authorization} {body} {USER_TOKEN} {OPAQUE} {STATELESS}")
}

fn json_of(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

fn well(method: &str, path: &str, token: &str) -> Response {
    let account = json!({ "id": 8_000_000_002_u64, "login": "acme-coffee", "type": "Organization" });
    let ours = json!({ "id": INSTALLATION, "app_id": APP, "account": account, "suspended_at": null });
    let repository = json!({ "id": 1, "full_name": "acme-coffee/beans", "private": true, "owner": account,
                             "default_branch": "main", "language": null, "html_url": "https://github.com/x" });
    let body = match (method, path.strip_prefix("/api/v3").unwrap_or(path)) {
        ("GET", "/app") => json!({ "id": APP, "slug": "acme-dock", "name": "Acme Dock" }),
        ("GET", "/app/hook/deliveries") => json!([]),
        ("POST", "/login/oauth/access_token") => {
            json!({ "access_token": USER_TOKEN, "token_type": "bearer" })
        }
        ("GET", "/user") => json!({ "id": 7_000_000_001_u64, "login": "olga" }),
        ("GET", "/user/installations") => json!({ "total_count": 1, "installations": [ours] }),
        ("GET", "/user/memberships/orgs/acme-coffee") => {
            json!({ "state": "active", "role": "admin", "organization": account })
        }
        ("GET", "/installation/repositories") => json!({ "total_count": 1, "repositories": [repository] }),
        ("POST", path) if path.ends_with("/access_tokens") => {
            // Far in the future, because this test is not about expiry.
            let body = json!({ "token": token, "expires_at": "2100-01-01T00:00:00Z" });
            return json_of(201, &body);
        }
        ("DELETE", _) => return StatusCode::NO_CONTENT.into_response(),
        ("GET", path) if path.ends_with(&format!("/app/installations/{INSTALLATION}")) => ours,
        _ => return json_of(404, &json!({ "message": "Not Found" })),
    };
    json_of(200, &body)
}
