//! The App, the clock and GitHub's default responses.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{CodeGrant, ManualClock, VisitorCheck};
use dockline::{
    AccountId, AppId, AuthorizationCode, InstallationId, InstallationToken, NewToken, PortError,
    PortErrorKind, PortName, VisitorFacts,
};
use dockline_github::{GithubApp, GithubAppConfig, SecretString};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::scripted::{Reply, Scripted, Seen};

/// L-63: ids beyond 32 bits.
pub(crate) const APP: u64 = 5_000_000_007;
pub(crate) const INSTALLATION: u64 = 6_000_000_042;
pub(crate) const VISITOR: u64 = 7_000_000_001;
pub(crate) const ORGANIZATION: u64 = 8_000_000_002;
/// The time of the clock and of the scripted GitHub, unless a test moves them.
pub(crate) const NOW: i64 = 1_795_000_000;
pub(crate) const DATE: &str = "Wed, 18 Nov 2026 11:06:40 GMT";

pub(crate) const PKCS1: &str = include_str!("../keys/rsa-2048-pkcs1.pem");
pub(crate) const PKCS8: &str = include_str!("../keys/rsa-2048-pkcs8.pem");

pub(crate) const CLIENT_ID: &str = "Iv23canaryclientid";
pub(crate) const CLIENT_SECRET: &str = "clientsecret-canary";
pub(crate) const CODE: &str = "code-canary";
pub(crate) const TOKEN: &str = "ghu_tokencanary";
/// Installation tokens in the old and in the new format (L-47).
pub(crate) const OPAQUE: &str = "ghs_tokencanary0123456789abcdefghijklmnop";
pub(crate) const STATELESS: &str =
    "ghs_5000000007_eyJhbGciOiJSUzI1NiJ9.eyJ0b2tlbmNhbmFyeSI6MX0-tokencanary.c2ln_bmF0-dXJl";

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::starting_at(OffsetDateTime::from_unix_timestamp(NOW).unwrap()))
}

pub(crate) fn config(github: &Scripted) -> GithubAppConfig {
    GithubAppConfig::new(AppId::new(APP).unwrap(), "acme-dock", PKCS1.into())
        .with_host(github.host())
        .with_oauth_client(CLIENT_ID, SecretString::from(CLIENT_SECRET))
        .with_clock(clock())
}

pub(crate) fn gateway(github: &Scripted) -> GithubApp {
    GithubApp::new(config(github)).unwrap()
}

/// A gateway with a short timeout, for servers that do not respond.
pub(crate) fn impatient(github: &Scripted) -> GithubApp {
    GithubApp::new(config(github).with_timeout(Duration::from_millis(500))).unwrap()
}

pub(crate) fn installation_id() -> InstallationId {
    InstallationId::new(INSTALLATION).unwrap()
}

pub(crate) fn account_id(id: u64) -> AccountId {
    AccountId::new(id).unwrap()
}

/// An installation token issued this many milliseconds ago.
pub(crate) fn token_aged(milliseconds: i64) -> InstallationToken {
    let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    let issued_at = now - time::Duration::milliseconds(milliseconds);
    InstallationToken::new(NewToken {
        installation: installation_id(),
        secret: OPAQUE.into(),
        issued_at,
        expires_at: issued_at + time::Duration::HOUR,
        web_origin: "https://github.com".to_owned(),
    })
}

/// An installation token that is too old for GitHub to reject it as not yet replicated.
pub(crate) fn token() -> InstallationToken {
    token_aged(60_000)
}

pub(crate) fn code() -> CodeGrant {
    CodeGrant::of_installation(AuthorizationCode::presented(CODE))
}

/// The body of `GET /app`.
pub(crate) fn app_body() -> Value {
    json!({ "id": APP, "slug": "acme-dock", "name": "Acme Dock", "client_id": CLIENT_ID, "permissions": {} })
}

pub(crate) fn organization() -> Value {
    json!({ "id": ORGANIZATION, "login": "acme-coffee", "type": "Organization", "node_id": "O_x" })
}

/// An installation on `account`, with a `target_type` that contradicts it: that field must be ignored.
pub(crate) fn installation_body(id: u64, app: u64, account: &Value) -> Value {
    json!({ "id": id, "app_id": app, "app_slug": "acme-dock", "account": account, "target_type": "Enterprise",
            "suspended_at": null, "permissions": { "contents": "read" }, "events": [] })
}

/// The response to a token request, including repositories.
pub(crate) fn token_body(token: &str) -> Value {
    json!({ "token": token, "expires_at": "2026-11-18T12:06:40Z", "permissions": { "contents": "read" },
            "repository_selection": "selected", "repositories": [repository_body(1)] })
}

/// A repository, with some of the fields that are not read.
pub(crate) fn repository_body(id: u64) -> Value {
    json!({ "id": id, "node_id": "R_x", "name": "beans", "full_name": "acme-coffee/beans", "private": true,
            "owner": { "login": "acme-coffee", "id": ORGANIZATION, "type": "Organization" },
            "html_url": "https://github.com/acme-coffee/beans", "description": null, "fork": false,
            "default_branch": "trunk", "language": "Rust", "permissions": { "admin": false } })
}

/// A GitHub where the visitor administers the organization on which our App is installed; `special` may respond first.
pub(crate) fn usual(special: impl Fn(&Seen) -> Option<Reply>) -> impl Fn(&Seen) -> Reply {
    move |seen| special(seen).unwrap_or_else(|| usually(seen))
}

fn usually(seen: &Seen) -> Reply {
    let ours = installation_body(INSTALLATION, APP, &organization());
    let body = match seen.line.split('?').next().unwrap() {
        "GET /api/app" => app_body(),
        "GET /api/app/installations/6000000042" => ours,
        "POST /login/oauth/access_token" => {
            json!({ "access_token": TOKEN, "token_type": "bearer", "scope": "" })
        }
        "GET /api/user" => json!({ "id": VISITOR, "login": "mona" }),
        "GET /api/user/installations" => json!({ "total_count": 1, "installations": [ours] }),
        "GET /api/user/memberships/orgs/acme-coffee" => {
            json!({ "state": "active", "role": "admin", "organization": { "id": ORGANIZATION, "login": "acme-coffee" } })
        }
        MINT => return Reply::json(201, &token_body(OPAQUE)),
        "GET /api/installation/repositories" => {
            json!({ "total_count": 1, "repository_selection": "all", "repositories": [repository_body(1)] })
        }
        "DELETE /api/applications/Iv23canaryclientid/token" | "DELETE /api/installation/token" => {
            return Reply::bytes(204, "");
        }
        _ => return Reply::message(404, "Not Found"),
    };
    Reply::json(200, &body)
}

pub(crate) const MINT: &str = "POST /api/app/installations/6000000042/access_tokens";

pub(crate) const REVOCATION: &str = "DELETE /api/applications/Iv23canaryclientid/token";

pub(crate) fn facts(checked: Result<VisitorCheck, PortError>) -> VisitorFacts {
    match checked {
        Ok(VisitorCheck::Visitor(facts)) => facts,
        Ok(VisitorCheck::CodeRefused) => panic!("the code was refused"),
        Ok(VisitorCheck::Denied(reason)) => panic!("GitHub denies the visitor: {reason:?}"),
        Err(error) => panic!("{}", chain(&error)),
    }
}

/// Returns the kind of an error, which must be the GitHub gateway's.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, PortError>) -> PortErrorKind {
    let error = result.unwrap_err();
    assert_eq!(error.port(), PortName::GithubGateway);
    error.kind()
}

pub(crate) fn limited(seconds: u64) -> PortErrorKind {
    PortErrorKind::RateLimited { retry_after: Duration::from_secs(seconds) }
}

/// Returns the texts of an error and of all its sources, as a log shows them.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} / {error:?}");
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text += &format!(" <- {deeper} / {deeper:?}");
        cause = deeper.source();
    }
    text
}
