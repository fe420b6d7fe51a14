//! The bodies of responses, with their fields in the documented order.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use dockline::ports::Check;
use dockline::{AuthenticatedKey, Binding, Caller, RepositoriesPage, Repository, format_timestamp};

use http::{HeaderValue, header};
use serde::Serialize;
use time::OffsetDateTime;

use super::ApiErrorCode;
use super::error::ApiError;

/// The space for a body and for headers, so that most responses do not grow.
const MOST_BYTES: usize = 256;
const MOST_HEADERS: usize = 10;

/// A response with a JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(MOST_BYTES);
        if serde_json::to_writer(&mut body, &self.0).is_err() {
            return ApiError::internal().into_response();
        }
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        headers.reserve(MOST_HEADERS);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// A binding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstallationBody<'a> {
    installation_id: u64,
    github_account: AccountBody<'a>,
    /// The same as `githubAccount.login`, also for users.
    org_login: &'a str,
    status: &'static str,
    /// When the organization first bound it.
    registered_at: String,
}

#[derive(Debug, Serialize)]
struct AccountBody<'a> {
    login: &'a str,
    r#type: &'static str,
}

impl<'a> From<&'a Binding> for InstallationBody<'a> {
    fn from(binding: &'a Binding) -> Self {
        let login = binding.account.login.as_str();
        Self {
            installation_id: binding.installation.get(),
            github_account: AccountBody { login, r#type: binding.account.kind.as_str() },
            org_login: login,
            status: binding.status.as_str(),
            registered_at: format_timestamp(binding.registered_at),
        }
    }
}

/// A binding and when it was last verified.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifiedInstallationBody<'a> {
    #[serde(flatten)]
    installation: InstallationBody<'a>,
    /// May be earlier than `registeredAt`.
    last_verified_at: String,
}

impl<'a> From<&'a Binding> for VerifiedInstallationBody<'a> {
    fn from(binding: &'a Binding) -> Self {
        Self { installation: binding.into(), last_verified_at: format_timestamp(binding.last_verified_at) }
    }
}

/// An install link; `authUrl` and `installUrl` are the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstallLinkBody<'a> {
    pub(crate) auth_url: &'a str,
    pub(crate) install_url: &'a str,
    pub(crate) state: &'a str,
    pub(crate) expires_at: String,
}

/// A page of repositories.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoriesBody<'a> {
    items: Vec<RepositoryBody<'a>>,
    /// `null` on the last page.
    next_cursor: Option<String>,
}

/// A repository; `language` and `primaryLanguage` are the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryBody<'a> {
    repo_id: u64,
    full_name: &'a str,
    owner: &'a str,
    private: bool,
    default_branch: &'a str,
    language: Option<&'a str>,
    primary_language: Option<&'a str>,
    html_url: &'a str,
}

impl<'a> From<&'a Repository> for RepositoryBody<'a> {
    fn from(repository: &'a Repository) -> Self {
        let language = repository.language.as_deref();
        Self {
            repo_id: repository.id.get(),
            full_name: &repository.full_name,
            owner: &repository.owner,
            private: repository.private,
            default_branch: &repository.default_branch,
            language,
            primary_language: language,
            html_url: &repository.html_url,
        }
    }
}

impl<'a> From<&'a RepositoriesPage> for RepositoriesBody<'a> {
    fn from(page: &'a RepositoriesPage) -> Self {
        let items = page.repositories.iter().map(RepositoryBody::from).collect();
        Self { items, next_cursor: page.next.map(dockline::RepositoryCursor::encode) }
    }
}

/// The organization and the rights of an API key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhoamiBody<'a> {
    organization_id: &'a str,
    organization_name: &'a str,
    api_key_id: &'a str,
    scopes: Vec<&'a str>,
    rate_limit_tier: &'a str,
}

impl<'a> WhoamiBody<'a> {
    pub(crate) fn new(caller: &'a Caller, key: &'a AuthenticatedKey) -> Self {
        Self {
            organization_id: caller.organization.as_str(),
            organization_name: caller.organization_name.as_str(),
            api_key_id: key.id.as_str(),
            scopes: key.scopes.iter().map(dockline::Scope::as_str).collect(),
            rate_limit_tier: &key.tier.name,
        }
    }
}

/// `{"status":"ok"}`, with the checks at `/readyz`.
#[derive(Debug, Serialize)]
pub(crate) struct HealthBody {
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checks: Option<Vec<CheckBody>>,
}

/// A check, in the body of a 200 and in `details.checks` of a 503.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckBody {
    name: &'static str,
    ok: bool,
    /// Why the check fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// When the check last changed.
    since: String,
}

impl From<Check> for CheckBody {
    fn from(check: Check) -> Self {
        let Check { name, failing, since } = check;
        Self { name, ok: failing.is_none(), cause: failing, since: milliseconds(since) }
    }
}

/// The body of every 4xx and 5xx.
#[derive(Debug, Serialize)]
pub(crate) struct Envelope<'a, D> {
    pub(crate) error: Failure<'a, D>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure<'a, D> {
    pub(crate) code: ApiErrorCode,
    pub(crate) message: &'a str,
    /// The same as the header `X-Request-Id`.
    pub(crate) request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<D>,
}

/// `2026-04-18T19:14:09.123Z`
pub(crate) fn milliseconds(at: OffsetDateTime) -> String {
    format!("{}.{:03}Z", seconds(at), at.millisecond())
}

/// Times of the core are in UTC.
fn seconds(at: OffsetDateTime) -> String {
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn times_have_three_fractional_digits() {
        let at = OffsetDateTime::from_unix_timestamp(1_776_539_649).unwrap();
        assert_eq!(milliseconds(at + Duration::milliseconds(7)), "2026-04-18T19:14:09.007Z");
    }
}
