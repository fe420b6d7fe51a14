//! `POST /login/oauth/access_token`: exchanges a code, a refresh token or a device code for a user token.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::error::OauthError;
use crate::api::same_secret;
use crate::model::grant::{REFRESH_LIFETIME, TOKEN_LIFETIME};
use crate::sim::GithubSim;
use crate::urls::{Params, encode_query};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn exchange(
    State(sim): State<GithubSim>,
    query: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = body_params(&headers, &body).or(query);
    let body = tokens(&sim, &params).unwrap_or_else(OauthError::body);
    respond(&headers, &body)
}

fn contains(headers: &HeaderMap, name: HeaderName, what: &str) -> bool {
    let value = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    value.is_some_and(|value| value.contains(what))
}

/// Reads a JSON or a form body.
pub(super) fn body_params(headers: &HeaderMap, body: &[u8]) -> Params {
    if contains(headers, CONTENT_TYPE, "json") { json_params(body) } else { Params::parse(body) }
}

/// Returns JSON if the client accepts it, and otherwise a form.
pub(super) fn respond(headers: &HeaderMap, body: &Value) -> Response {
    if contains(headers, ACCEPT, "json") {
        return Json(body).into_response();
    }
    let form = [(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")];
    (form, form_encoded(body)).into_response()
}

fn tokens(sim: &GithubSim, params: &Params) -> Result<Value, OauthError> {
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let app = params.get("client_id").and_then(|id| fixture.model.app_by_client_id(id));
    let app = app.ok_or(OauthError::Client)?;
    let (app_id, grant_type) = (app.id, params.get("grant_type"));
    let secret = params.get("client_secret").unwrap_or_default();
    // Devices cannot keep a secret.
    if grant_type != Some(DEVICE_CODE) && !same_secret(app.client_secret.expose_secret(), secret) {
        return Err(OauthError::Client);
    }
    if grant_type == Some(DEVICE_CODE) && !app.device_flow {
        return Err(OauthError::DeviceFlowDisabled);
    }
    if params.get("redirect_uri").is_some_and(|uri| !app.callback_urls.iter().any(|url| url == uri)) {
        return Err(OauthError::RedirectUri);
    }
    let grants = &mut fixture.model.grants;
    let user = match grant_type {
        None | Some("authorization_code") => {
            let (code, verifier) = (params.get("code").unwrap_or_default(), params.get("code_verifier"));
            grants.redeem_code(app_id, code, verifier, now).ok_or(OauthError::Code)?
        }
        Some("refresh_token") => {
            let token = params.get("refresh_token").unwrap_or_default();
            grants.redeem_refresh(app_id, token, now).ok_or(OauthError::RefreshToken)?
        }
        Some(DEVICE_CODE) => {
            let code = params.get("device_code").unwrap_or_default();
            grants.poll_device_code(app_id, code, now).map_err(OauthError::Device)?
        }
        Some(_) => return Err(OauthError::GrantType),
    };
    let pair = grants.issue_tokens(app_id, user, now);
    Ok(json!({
        "access_token": pair.access.expose_secret(),
        "expires_in": TOKEN_LIFETIME.whole_seconds(),
        "refresh_token": pair.refresh.expose_secret(),
        "refresh_token_expires_in": REFRESH_LIFETIME.whole_seconds(),
        "scope": "",
        "token_type": "bearer",
    }))
}

fn json_params(body: &[u8]) -> Params {
    let members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let pairs = members.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    pairs.collect()
}

fn form_encoded(body: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = body.as_object().into_iter().flatten();
    let pairs: Vec<_> = fields.map(|(name, value)| (name.as_str(), text(value))).collect();
    encode_query(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}
