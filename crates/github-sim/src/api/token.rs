//! What an App may do with its client secret: revoke a user token.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::delete;
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::auth::authorization;
use super::errors::{ApiError, missing_field};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/applications/{client_id}/token", delete(revoke))
}

/// The App whose client id and secret came as Basic credentials.
#[derive(Clone, Debug)]
struct ClientCaller {
    app_id: u64,
    client_id: String,
}

impl FromRequestParts<GithubSim> for ClientCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, ApiError> {
        let basic = authorization(&parts.headers).filter(|(scheme, _)| scheme == "basic");
        let pair = basic.and_then(|(_, encoded)| BASE64.decode(encoded.as_bytes()).ok());
        let pair =
            pair.and_then(|pair| String::from_utf8(pair).ok()).ok_or_else(ApiError::bad_credentials)?;
        let (client_id, secret) = pair.split_once(':').ok_or_else(ApiError::bad_credentials)?;
        let world = sim.world();
        let app = world.model.app_by_client_id(client_id).ok_or_else(ApiError::bad_credentials)?;
        if !same_secret(app.client_secret.expose_secret(), secret) {
            return Err(ApiError::bad_credentials());
        }
        Ok(Self { app_id: app.id, client_id: app.client_id.clone() })
    }
}

/// Digests take the same time to compare, whatever they agree in.
pub(crate) fn same_secret(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}

async fn revoke(
    State(sim): State<GithubSim>,
    caller: ClientCaller,
    Path(client_id): Path<String>,
    body: Bytes,
) -> Response {
    let body: Option<Value> = serde_json::from_slice(&body).ok();
    let Some(token) = body.as_ref().and_then(|body| body.get("access_token")).and_then(Value::as_str) else {
        return missing_field("OauthAccess", "access_token");
    };
    let world = &mut *sim.world();
    let now = world.clock.now();
    if client_id == caller.client_id && world.model.grants.revoke(caller.app_id, token, now) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        ApiError::not_found().into_response()
    }
}
