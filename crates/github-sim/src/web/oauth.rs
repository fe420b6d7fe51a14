//! The OAuth web flow: authorize, and exchange a code or a refresh token.

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

use super::page::{failure, found, not_found, refusal};
use super::session::{Visitor, sign_in_first};
use crate::api::same_secret;
use crate::model::grant::{REFRESH_LIVES, TOKEN_LIVES};
use crate::sim::GithubSim;
use crate::urls::{Params, with_query};

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/login/oauth/authorize", get(authorize))
        .route("/login/oauth/access_token", post(exchange))
}

/// The signed-in person agrees, unless they are set to refuse.
async fn authorize(
    State(sim): State<GithubSim>,
    Visitor(user): Visitor,
    uri: Uri,
    params: Params,
) -> Response {
    let world = &mut *sim.world();
    let now = world.clock.now();
    let Some(app) = params.get("client_id").and_then(|id| world.model.app_by_client_id(id)) else {
        return not_found();
    };
    let redirect_uri = params.get("redirect_uri").unwrap_or_else(|| app.callback_url());
    if !app.callback_urls.iter().any(|url| url == redirect_uri) {
        let text = "The redirect_uri is not associated with this application.";
        return refusal(StatusCode::BAD_REQUEST, "Be careful!", text);
    }
    let Some(user) = user else {
        return sign_in_first(uri.path_and_query().map_or("/", |path| path.as_str()));
    };
    let (app_id, redirect_uri) = (app.id, redirect_uri.to_owned());
    let state = params.get("state").map(|state| ("state", state));
    if world.model.refuses_authorization(user) {
        return denied(&redirect_uri, state);
    }
    let Ok(code) = world.model.grants.issue_code(app_id, user, now) else { return failure() };
    let mut query = vec![("code", code.expose_secret())];
    query.extend(state);
    found(&with_query(&redirect_uri, &query))
}

/// The person pressed Cancel.
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
    found(&with_query(redirect_uri, &query))
}

/// An error that GitHub answers with status 200.
#[derive(Clone, Copy, Debug)]
enum Refused {
    Client,
    Code,
    RefreshToken,
    RedirectUri,
    GrantType,
}

impl Refused {
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
    let says = |name, what| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .is_some_and(|v| v.contains(what))
    };
    let params = if says(CONTENT_TYPE, "json") { json_params(&body) } else { Params::parse(&body) };
    let answer = match tokens(&sim, &params) {
        Some(Ok(tokens)) => tokens,
        Some(Err(refused)) => refused.body(),
        None => return failure(),
    };
    if says(ACCEPT, "json") {
        return Json(answer).into_response();
    }
    let form = [(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")];
    (form, encoded(&answer)).into_response()
}

/// The exchange itself; none where the system has no randomness.
fn tokens(sim: &GithubSim, params: &Params) -> Option<Result<Value, Refused>> {
    let world = &mut *sim.world();
    let now = world.clock.now();
    let secret = params.get("client_secret").unwrap_or_default();
    let app = params.get("client_id").and_then(|id| world.model.app_by_client_id(id));
    let Some(app) = app.filter(|app| same_secret(app.client_secret.expose_secret(), secret)) else {
        return Some(Err(Refused::Client));
    };
    if params.get("redirect_uri").is_some_and(|uri| !app.callback_urls.iter().any(|url| url == uri)) {
        return Some(Err(Refused::RedirectUri));
    }
    let app_id = app.id;
    let grants = &mut world.model.grants;
    let (user, refused) = match params.get("grant_type") {
        None | Some("authorization_code") => {
            (grants.redeem_code(app_id, params.get("code").unwrap_or_default(), now), Refused::Code)
        }
        Some("refresh_token") => {
            let token = params.get("refresh_token").unwrap_or_default();
            (grants.redeem_refresh(app_id, token, now), Refused::RefreshToken)
        }
        Some(_) => return Some(Err(Refused::GrantType)),
    };
    let Some(user) = user else { return Some(Err(refused)) };
    let pair = grants.issue_tokens(app_id, user, now).ok()?;
    Some(Ok(json!({
        "access_token": pair.access.expose_secret(),
        "expires_in": TOKEN_LIVES.whole_seconds(),
        "refresh_token": pair.refresh.expose_secret(),
        "refresh_token_expires_in": REFRESH_LIVES.whole_seconds(),
        "scope": "",
        "token_type": "bearer",
    })))
}

fn json_params(body: &[u8]) -> Params {
    let members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let pairs = members.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    pairs.collect()
}

fn encoded(answer: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in answer.as_object().into_iter().flatten() {
        form.append_pair(name, value.as_str().unwrap_or(&value.to_string()));
    }
    form.finish()
}
