//! Refusals in GitHub's words.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::rate_limit::RateLimitCaller;
use crate::clock::rfc3339;
use crate::random;

const DOCS: &str = "https://docs.github.com/rest";
const SAML_DOCS: &str =
    "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";
const LIMITS: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
const ACCEPTED_PERMISSIONS: HeaderName = HeaderName::from_static("x-accepted-github-permissions");
pub(super) const SSO: HeaderName = HeaderName::from_static("x-github-sso");

/// The details of a request that refusals name.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) now: OffsetDateTime,
    /// The base URL of the pages.
    pub(crate) web: String,
    /// The login of the account that the request concerns.
    pub(crate) login: Option<String>,
    pub(crate) caller: Option<RateLimitCaller>,
}

fn body(status: StatusCode, message: &str, url: &str) -> Value {
    json!({ "message": message, "documentation_url": url, "status": status.as_u16().to_string() })
}

/// Returns an error in GitHub's format.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(body(status, message, DOCS))).into_response()
}

impl Refused {
    pub(super) fn ip_allow_list(&self) -> Response {
        let organization = self.login.as_ref().map(|login| format!("`{login}` ")).unwrap_or_default();
        let message = format!(
            "Although you appear to have the correct authorization credentials, the {organization}organization has an IP allow list enabled, and your IP address is not permitted to access this resource."
        );
        error(StatusCode::FORBIDDEN, &message)
    }

    /// The URL leads to the organization's sign-in. At GitHub it expires after an hour.
    pub(super) fn saml(&self) -> Response {
        let organization = self.login.as_deref().unwrap_or("unknown");
        let request = random::base64url(48);
        let url = format!("{}/orgs/{organization}/sso?authorization_request={request}", self.web);
        let message = "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.";
        let header = AppendHeaders([(SSO, format!("required; url={url}"))]);
        (StatusCode::FORBIDDEN, header, Json(body(StatusCode::FORBIDDEN, message, SAML_DOCS))).into_response()
    }

    pub(super) fn legal_block(&self) -> Response {
        let block = json!({
            "reason": "dmca",
            "created_at": rfc3339(self.now),
            "html_url": "https://github.com/github/dmca",
        });
        let body = json!({ "message": "Repository access blocked", "block": block });
        (StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, Json(body)).into_response()
    }

    pub(super) fn primary_limit(&self, reset_in: i64) -> Response {
        let reset = self.now.unix_timestamp().saturating_add(reset_in);
        let header =
            |name: &'static str, value: i64| (HeaderName::from_static(name), HeaderValue::from(value));
        let headers = AppendHeaders([
            header("x-ratelimit-limit", 5000),
            header("x-ratelimit-remaining", 0),
            header("x-ratelimit-used", 5000),
            header("x-ratelimit-reset", reset),
        ]);
        let caller = self.caller.map_or_else(|| "127.0.0.1".to_owned(), |caller| caller.to_string());
        let message = format!("API rate limit exceeded for {caller}.");
        (StatusCode::FORBIDDEN, headers, Json(body(StatusCode::FORBIDDEN, &message, LIMITS))).into_response()
    }
}

pub(super) fn secondary_limit(retry_after: Option<u64>, status: u16) -> Response {
    let status = if status == 429 { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN };
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let headers = retry_after.map(|seconds| AppendHeaders([(RETRY_AFTER, HeaderValue::from(seconds))]));
    let body = body(status, message, &format!("{LIMITS}#about-secondary-rate-limits"));
    (status, headers, Json(body)).into_response()
}

pub(super) fn missing_permission(accepted: &str) -> Response {
    let header = HeaderValue::try_from(accepted).ok();
    let header = header.map(|accepted| AppendHeaders([(ACCEPTED_PERMISSIONS, accepted)]));
    let message = "Resource not accessible by integration";
    (StatusCode::FORBIDDEN, header, Json(body(StatusCode::FORBIDDEN, message, DOCS))).into_response()
}
