//! Authorization of git requests.

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use axum::response::{AppendHeaders, IntoResponse, Response};

use super::store::RepositorySpec;
use crate::api::{authorization, decode_basic};
use crate::fixture::Fixture;
use crate::model::Model;
use crate::model::account::Account;
use crate::model::installation::Installation;
use crate::model::installation_token::{InstallationToken, PermissionLevel, TokenError};
use crate::model::push::Pusher;
use crate::model::repository::Repository;

/// The user name of installation tokens in Basic credentials.
const TOKEN_USER: &str = "x-access-token";

/// A service of git's HTTP protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GitService {
    Fetch,
    Push,
}

impl GitService {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::Fetch),
            "git-receive-pack" => Some(Self::Push),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "git-upload-pack",
            Self::Push => "git-receive-pack",
        }
    }

    fn level(self) -> PermissionLevel {
        match self {
            Self::Fetch => PermissionLevel::Read,
            Self::Push => PermissionLevel::Write,
        }
    }
}

/// The reason why a git request is rejected. git shows the text to the user, prefixed with `remote:`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GitAccessError {
    /// Credentials are missing or not valid.
    Credentials,
    Suspended,
    Permission,
    NotFound,
}

impl IntoResponse for GitAccessError {
    fn into_response(self) -> Response {
        let basic = AppendHeaders([(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"GitHub\""))]);
        let text = match self {
            Self::Credentials => {
                let text = "Invalid username or token. Password authentication is not supported for Git operations.\n";
                return (StatusCode::UNAUTHORIZED, basic, text).into_response();
            }
            Self::Suspended => (StatusCode::FORBIDDEN, "This installation has been suspended\n"),
            Self::Permission => (StatusCode::FORBIDDEN, "Resource not accessible by integration\n"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Repository not found.\n"),
        };
        text.into_response()
    }
}

/// Authorizes a request and returns the repository and the App, if the request needs credentials.
pub(super) fn authorize(
    fixture: &mut Fixture,
    headers: &HeaderMap,
    (owner, name): (&str, &str),
    service: GitService,
) -> Result<(RepositorySpec, Option<Pusher>), GitAccessError> {
    let now = fixture.now();
    let token = match credential(headers)? {
        Some(token) => Some(fixture.model.use_token(&token, now).map_err(|error| match error {
            TokenError::Bad => GitAccessError::Credentials,
            TokenError::Suspended => GitAccessError::Suspended,
        })?),
        None => None,
    };
    let model = &fixture.model;
    let found = model.repository_by_name(owner, name);
    let public = service == GitService::Fetch && found.is_some_and(|(_, repository)| !repository.private);
    match (found, token) {
        (Some((owner, repository)), _) if public => Ok((RepositorySpec::of(owner, repository), None)),
        // Without credentials, the response does not show whether the repository exists.
        (_, None) => Err(GitAccessError::Credentials),
        (None, Some(_)) => Err(GitAccessError::NotFound),
        (Some((owner, repository)), Some(token)) => {
            let installation = check_token(model, &token, owner, repository, service)?;
            Ok((RepositorySpec::of(owner, repository), Some(Pusher::App(installation.app_id))))
        }
    }
}

fn check_token<'a>(
    model: &'a Model,
    token: &InstallationToken,
    owner: &Account,
    repository: &Repository,
    service: GitService,
) -> Result<&'a Installation, GitAccessError> {
    let installation = model.installation(token.installation).ok_or(GitAccessError::Credentials)?;
    let accessible = installation.account == owner.id && token.covers(installation, repository.id);
    if accessible && token.allows(installation, "contents", service.level()) {
        return Ok(installation);
    }
    Err(if accessible || !repository.private { GitAccessError::Permission } else { GitAccessError::NotFound })
}

/// Returns the request's token: the password of `x-access-token`, or a Bearer token.
fn credential(headers: &HeaderMap) -> Result<Option<String>, GitAccessError> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let (scheme, credential) = authorization(headers).ok_or(GitAccessError::Credentials)?;
    let token = match scheme.as_str() {
        "bearer" => Some(credential.to_owned()),
        "basic" => password(credential),
        _ => None,
    };
    token.map(Some).ok_or(GitAccessError::Credentials)
}

fn password(credential: &str) -> Option<String> {
    let (user, password) = decode_basic(credential)?;
    (user == TOKEN_USER).then_some(password)
}
