//! Credentials of REST requests.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::http::request::Parts;
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::errors::ApiError;
use super::jwt::{self, JwtError};
use crate::model::grant::Grant;
use crate::model::installation_token::InstallationToken;
use crate::sim::GithubSim;

const NOT_AN_INSTALLATION: &str = "You must authenticate with an installation access token in order to list repositories for an installation.";

/// Returns the scheme in lower case and the credential.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(String, &str)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    Some((scheme.to_ascii_lowercase(), credential.trim()))
}

/// Decodes Basic credentials to user name and password.
pub(crate) fn decode_basic(credential: &str) -> Option<(String, String)> {
    let pair = String::from_utf8(BASE64.decode(credential.as_bytes()).ok()?).ok()?;
    pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Compares two secrets in constant time, by their hashes.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}

/// Returns a user token or an installation token. Both can be sent with the schemes `Bearer` and `token`.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, ApiError> {
    match authorization(headers) {
        Some((scheme, token)) if scheme == "bearer" || scheme == "token" => Ok(token),
        Some(_) => Err(ApiError::bad_credentials()),
        None => Err(ApiError::new(StatusCode::UNAUTHORIZED, "Requires authentication")),
    }
}

/// The App of the request's JWT.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppCaller {
    pub(crate) app_id: u64,
}

impl FromRequestParts<GithubSim> for AppCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let token = match authorization(&parts.headers) {
            Some((scheme, token)) if scheme == "bearer" => token,
            _ => return Err(JwtError::Undecodable.into()),
        };
        let fixture = sim.fixture();
        let app = jwt::verify(&fixture.model, token, fixture.now())?;
        Ok(Self { app_id: app.id })
    }
}

/// The request's installation token.
#[derive(Clone, Debug)]
pub(crate) struct InstallationCaller {
    pub(crate) token: InstallationToken,
    pub(crate) secret: SecretString,
}

impl FromRequestParts<GithubSim> for InstallationCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let secret = token(&parts.headers)?;
        let fixture = &mut *sim.fixture();
        let now = fixture.now();
        if fixture.model.grants.token(secret, now).is_some() {
            return Err(ApiError::new(StatusCode::FORBIDDEN, NOT_AN_INSTALLATION));
        }
        let token = fixture.model.use_token(secret, now)?;
        Ok(Self { token, secret: secret.into() })
    }
}

/// The App and the user of the request's user token.
#[derive(Clone, Debug)]
pub(crate) struct UserCaller {
    pub(crate) grant: Grant,
}

impl FromRequestParts<GithubSim> for UserCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let token = token(&parts.headers)?;
        let fixture = sim.fixture();
        if fixture.model.installation_of_token(token, fixture.now()).is_some() {
            return Err(ApiError::new(StatusCode::FORBIDDEN, "Resource not accessible by integration"));
        }
        let grant = fixture.model.grants.token(token, fixture.now());
        grant.cloned().map(|grant| Self { grant }).ok_or_else(ApiError::bad_credentials)
    }
}

/// The App of the request's client id and secret, sent as Basic credentials.
#[derive(Clone, Debug)]
pub(crate) struct ClientCaller {
    pub(crate) app_id: u64,
    pub(crate) client_id: String,
}

impl FromRequestParts<GithubSim> for ClientCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let basic = authorization(&parts.headers).filter(|(scheme, _)| scheme == "basic");
        let pair = basic.and_then(|(_, credential)| decode_basic(credential));
        let (client_id, secret) = pair.ok_or_else(ApiError::bad_credentials)?;
        let fixture = sim.fixture();
        let app = fixture.model.app_by_client_id(&client_id);
        let app = app.filter(|app| same_secret(app.client_secret.expose_secret(), &secret));
        let app_id = app.ok_or_else(ApiError::bad_credentials)?.id;
        Ok(Self { app_id, client_id })
    }
}
