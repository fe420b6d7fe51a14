//! Who asks: an App by its JWT, or a person through an App by a user token.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::http::request::Parts;
use secrecy::SecretString;

use super::errors::ApiError;
use crate::jwt::{self, Refusal};
use crate::model::grant::Grant;
use crate::model::installation_token::InstallationToken;
use crate::sim::GithubSim;

const NOT_AN_INSTALLATION: &str = "You must authenticate with an installation access token in order to list repositories for an installation.";

/// The scheme in lower case, and the credential.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(String, &str)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    Some((scheme.to_ascii_lowercase(), credential.trim()))
}

/// The App whose JWT came as a Bearer token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppCaller {
    pub(crate) app_id: u64,
}

impl FromRequestParts<GithubSim> for AppCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let token = match authorization(&parts.headers) {
            Some((scheme, token)) if scheme == "bearer" => token,
            _ => return Err(Refusal::Undecodable.into()),
        };
        let world = sim.world();
        let app = jwt::verify(&world.model, token, world.now())?;
        Ok(Self { app_id: app.id })
    }
}

/// The installation whose token came.
#[derive(Clone, Debug)]
pub(crate) struct InstallationCaller {
    pub(crate) token: InstallationToken,
    /// As it came, to be revoked.
    pub(crate) secret: SecretString,
}

impl FromRequestParts<GithubSim> for InstallationCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let secret = match authorization(&parts.headers) {
            Some((scheme, token)) if scheme == "bearer" || scheme == "token" => token,
            Some(_) => return Err(ApiError::bad_credentials()),
            None => return Err(ApiError::new(StatusCode::UNAUTHORIZED, "Requires authentication")),
        };
        let world = &mut *sim.world();
        let now = world.now();
        if world.model.grants.token(secret, now).is_some() {
            return Err(ApiError::new(StatusCode::FORBIDDEN, NOT_AN_INSTALLATION));
        }
        let token = world.model.use_token(secret, now)?;
        Ok(Self { token, secret: secret.into() })
    }
}

/// The person whose user token came, and through which App.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserCaller {
    pub(crate) grant: Grant,
}

impl FromRequestParts<GithubSim> for UserCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let token = match authorization(&parts.headers) {
            Some((scheme, token)) if scheme == "bearer" || scheme == "token" => token,
            Some(_) => return Err(ApiError::bad_credentials()),
            None => return Err(ApiError::new(StatusCode::UNAUTHORIZED, "Requires authentication")),
        };
        let world = sim.world();
        if world.model.owner_of_token(token, world.now()).is_some() {
            // An installation is nobody.
            return Err(ApiError::new(StatusCode::FORBIDDEN, "Resource not accessible by integration"));
        }
        let grant = world.model.grants.token(token, world.now());
        grant.map(|grant| Self { grant }).ok_or_else(ApiError::bad_credentials)
    }
}
