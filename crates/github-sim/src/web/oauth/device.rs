//! The device flow: a device gets a user code, and the user enters it on a page.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use maud::html;
use secrecy::ExposeSecret;
use serde_json::json;

use super::error::OauthError;
use super::exchange::{body_params, respond};
use crate::model::grant::{DEVICE_LIFETIME, POLL_INTERVAL};
use crate::sim::GithubSim;
use crate::urls::{Params, Urls};
use crate::web::install::path_and_query;
use crate::web::page::{error_page, page};
use crate::web::session::{SignedIn, redirect_to_sign_in, signed_in};

/// `POST /login/device/code`.
pub(super) async fn start(
    State(sim): State<GithubSim>,
    urls: Urls,
    query: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = body_params(&headers, &body).or(query);
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let app = params.get("client_id").and_then(|id| fixture.model.app_by_client_id(id));
    let (app_id, enabled) = match app {
        Some(app) => (app.id, app.device_flow),
        None => return respond(&headers, &OauthError::Client.body()),
    };
    if !enabled {
        return respond(&headers, &OauthError::DeviceFlowDisabled.body());
    }
    let (code, user_code) = fixture.model.grants.issue_device_code(app_id, now);
    let body = json!({
        "device_code": code.expose_secret(),
        "user_code": user_code,
        "verification_uri": format!("{}/login/device", urls.web),
        "expires_in": DEVICE_LIFETIME.whole_seconds(),
        "interval": POLL_INTERVAL,
    });
    respond(&headers, &body)
}

/// `GET /login/device`.
pub(super) async fn show(State(sim): State<GithubSim>, SignedIn(user): SignedIn, uri: Uri) -> Response {
    let model = &sim.fixture().model;
    if user.is_none() {
        return redirect_to_sign_in(path_and_query(&uri));
    }
    let main = html! {
        (signed_in(model, user, "/login/device"))
        form method="post" action="/login/device" {
            p { label for="user-code" { "Code" } " " input #user-code name="user_code" required; }
            button #authorize name="action" value="authorize" { "Authorize" } " "
            button #cancel .plain name="action" value="cancel" { "Cancel" }
        }
    };
    page(StatusCode::OK, "Device activation", main)
}

/// `POST /login/device`.
pub(super) async fn submit(State(sim): State<GithubSim>, SignedIn(user): SignedIn, body: Bytes) -> Response {
    let params = Params::parse(&body);
    let fixture = &mut *sim.fixture();
    let now = fixture.now();
    let Some(user) = user else { return redirect_to_sign_in("/login/device") };
    let user_code = params.get("user_code").unwrap_or_default();
    if fixture.model.grants.app_of_user_code(user_code, now).is_none() {
        return error_page(StatusCode::NOT_FOUND, "Not found", "The code is not valid, or has expired.");
    }
    let denied = params.get("action") == Some("cancel") || fixture.model.refuses_authorization(user);
    fixture.model.grants.answer_user_code(user_code, (!denied).then_some(user), now);
    let text = if denied { "The device was not authorized." } else { "Your device is connected." };
    page(StatusCode::OK, "Device activation", html! { p #result { (text) } })
}
