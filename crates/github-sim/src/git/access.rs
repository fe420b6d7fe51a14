//! Who may fetch from a repository, and who may push to it.

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use data_encoding::BASE64;

use super::store::Wanted;
use crate::api::authorization;
use crate::model::Model;
use crate::model::account::Account;
use crate::model::installation_token::{InstallationToken, Level, Rejection};
use crate::model::repository::Repository;
use crate::world::World;

/// The user name that goes with a token.
const TOKEN_USER: &str = "x-access-token";

/// What is to be done with a repository.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Service {
    Fetch,
    Push,
}

impl Service {
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

    fn level(self) -> Level {
        match self {
            Self::Fetch => Level::Read,
            Self::Push => Level::Write,
        }
    }
}

/// Why git is refused. It shows the text to people, each line after `remote:`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Denial {
    /// No credentials where they are needed, or none that are good for anything.
    Credentials,
    Suspended,
    Permission,
    NotFound,
}

impl IntoResponse for Denial {
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

/// The repository, if whoever sent the request may do that with it.
pub(super) fn admit(
    world: &mut World,
    headers: &HeaderMap,
    (owner, name): (&str, &str),
    service: Service,
) -> Result<Wanted, Denial> {
    let now = world.now();
    let token = match credential(headers)? {
        Some(token) => Some(world.model.use_token(&token, now).map_err(|rejection| match rejection {
            Rejection::Bad => Denial::Credentials,
            Rejection::Suspended => Denial::Suspended,
        })?),
        None => None,
    };
    let model = &world.model;
    let found = model.repository_by_name(owner, name);
    let open = service == Service::Fetch && found.is_some_and(|(_, repository)| !repository.private);
    match (found, token) {
        (Some((owner, repository)), _) if open => Ok(wanted(owner, repository)),
        // Whether it is there is nobody's business who does not say who they are.
        (_, None) => Err(Denial::Credentials),
        (None, Some(_)) => Err(Denial::NotFound),
        (Some((owner, repository)), Some(token)) => {
            permitted(model, &token, owner, repository, service).map(|()| wanted(owner, repository))
        }
    }
}

fn permitted(
    model: &Model,
    token: &InstallationToken,
    owner: &Account,
    repository: &Repository,
    service: Service,
) -> Result<(), Denial> {
    let installation = model.installation(token.installation).ok_or(Denial::Credentials)?;
    let reached = installation.account == owner.id && token.reaches(installation, repository.id);
    if reached && token.may(installation, "contents", service.level()) {
        return Ok(());
    }
    Err(if reached || !repository.private { Denial::Permission } else { Denial::NotFound })
}

fn wanted(owner: &Account, repository: &Repository) -> Wanted {
    Wanted {
        id: repository.id,
        full_name: format!("{}/{}", owner.login, repository.name),
        default_branch: repository.default_branch.clone(),
        created: repository.created_at.unix_timestamp(),
    }
}

/// The token that came, if any did: as the password of `x-access-token`, or as a Bearer token.
fn credential(headers: &HeaderMap) -> Result<Option<String>, Denial> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let (scheme, credential) = authorization(headers).ok_or(Denial::Credentials)?;
    let token = match scheme.as_str() {
        "bearer" => Some(credential.to_owned()),
        "basic" => password(credential),
        _ => None,
    };
    token.map(Some).ok_or(Denial::Credentials)
}

fn password(encoded: &str) -> Option<String> {
    let pair = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    (user == TOKEN_USER).then(|| password.to_owned())
}
