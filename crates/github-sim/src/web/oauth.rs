//! The OAuth web flow: authorization, and the exchange of a code or a refresh token.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::install::path_and_query;
use super::page::{error_page, found, not_found};
use super::session::{SignedIn, redirect_to_sign_in};
use crate::api::same_secret;
use crate::model::grant::{REFRESH_LIFETIME, TOKEN_LIFETIME};
use crate::sim::GithubSim;
use crate::urls::{Params, encode_query, with_query};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/login/oauth/authorize", get(authorize))
        .route("/login/oauth/access_token", post(exchange))
}

/// Authorizes the App at once for the signed-in user, or redirects with `access_denied` if the user declines.
async fn authorize(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    uri: Uri,
    params: Params,
) -> Response {
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let Some(app) = params.get("client_id").and_then(|id| fixture.model.app_by_client_id(id)) else {
        return not_found();
    };
    let redirect_uri = params.get("redirect_uri").unwrap_or_else(|| app.callback_url());
    if !app.callback_urls.iter().any(|url| url == redirect_uri) {
        let text = "The redirect_uri is not associated with this application.";
        return error_page(StatusCode::BAD_REQUEST, "Be careful!", text);
    }
    let Some(user) = user else {
        return redirect_to_sign_in(path_and_query(&uri));
    };
    let (app_id, redirect_uri) = (app.id, redirect_uri.to_owned());
    let state = params.get("state").map(|state| ("state", state));
    if fixture.model.refuses_authorization(user) {
        return denied(&redirect_uri, state);
    }
    let code = fixture.model.grants.issue_code(app_id, user, now);
    let mut query = vec![("code", code.expose_secret())];
    query.extend(state);
    redirect(&redirect_uri, &query)
}

fn redirect(url: &str, query: &[(&str, &str)]) -> Response {
    with_query(url, query).map_or_else(not_found, |url| found(&url))
}

/// Redirects as after Cancel.
fn denied(redirect_uri: &str, state: Option<(&str, &str)>) -> Response {
    let uri =
        "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors/";
    let uri = format!("{uri}#access-denied");
    let mut query = vec![
        ("error", "access_denied"),
        ("error_description", "The user has denied your application access."),
        ("error_uri", &uri),
    ];
    query.extend(state);
    redirect(redirect_uri, &query)
}

/// An error of the exchange. GitHub answers it with status 200.
#[derive(Clone, Copy, Debug)]
enum OauthError {
    Client,
    Code,
    RefreshToken,
    RedirectUri,
    GrantType,
}

impl OauthError {
    fn body(self) -> Value {
        let (error, description) = match self {
            Self::Client => {
                ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
            }
            Self::Code => ("bad_verification_code", "The code passed is incorrect or expired."),
            Self::RefreshToken => ("bad_refresh_token", "The refresh token passed is incorrect or expired."),
            Self::RedirectUri => (
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL for this application.",
            ),
            Self::GrantType => ("unsupported_grant_type", "The grant_type is not supported."),
        };
        let uri = "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/";
        json!({ "error": error, "error_description": description, "error_uri": format!("{uri}#{}", error.replace('_', "-")) })
    }
}

async fn exchange(State(sim): State<GithubSim>, headers: HeaderMap, body: Bytes) -> Response {
    let contains = |name, what| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .is_some_and(|v| v.contains(what))
    };
    let params = if contains(CONTENT_TYPE, "json") { json_params(&body) } else { Params::parse(&body) };
    let body = tokens(&sim, &params).unwrap_or_else(OauthError::body);
    if contains(ACCEPT, "json") {
        return Json(body).into_response();
    }
    let form = [(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")];
    (form, form_encoded(&body)).into_response()
}

fn tokens(sim: &GithubSim, params: &Params) -> Result<Value, OauthError> {
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let secret = params.get("client_secret").unwrap_or_default();
    let app = params.get("client_id").and_then(|id| fixture.model.app_by_client_id(id));
    let Some(app) = app.filter(|app| same_secret(app.client_secret.expose_secret(), secret)) else {
        return Err(OauthError::Client);
    };
    if params.get("redirect_uri").is_some_and(|uri| !app.callback_urls.iter().any(|url| url == uri)) {
        return Err(OauthError::RedirectUri);
    }
    let app_id = app.id;
    let grants = &mut fixture.model.grants;
    let (user, error) = match params.get("grant_type") {
        None | Some("authorization_code") => {
            (grants.redeem_code(app_id, params.get("code").unwrap_or_default(), now), OauthError::Code)
        }
        Some("refresh_token") => {
            let token = params.get("refresh_token").unwrap_or_default();
            (grants.redeem_refresh(app_id, token, now), OauthError::RefreshToken)
        }
        Some(_) => return Err(OauthError::GrantType),
    };
    let pair = grants.issue_tokens(app_id, user.ok_or(error)?, now);
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
