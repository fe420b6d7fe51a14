//! `GET /login/oauth/authorize`: the user authorizes an App.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use secrecy::ExposeSecret;

use crate::sim::GithubSim;
use crate::urls::{Params, encode_query, with_query};
use crate::web::install::path_and_query;
use crate::web::page::{error_page, found, not_found};
use crate::web::session::{SignedIn, redirect_to_sign_in};

const TROUBLESHOOTING: &str =
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors/";

/// The length of a SHA-256 hash in base64url without padding.
const CHALLENGE_LENGTH: usize = 43;

/// Authorizes the App at once for the signed-in user, or redirects with an error if the user declines or the proof key is not usable.
pub(super) async fn authorize(
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
    if params.get("prompt") == Some("select_account") {
        return redirect_to_sign_in(&without_prompt(&uri, &params));
    }
    let Some(user) = user else {
        return redirect_to_sign_in(path_and_query(&uri));
    };
    let (app_id, redirect_uri) = (app.id, redirect_uri.to_owned());
    let state = params.get("state").map(|state| ("state", state));
    let Ok(challenge) = challenge(&params) else {
        let text = "The code_challenge must be a SHA-256 hash, and the code_challenge_method must be S256.";
        return error_redirect(&redirect_uri, "invalid_request", text, state);
    };
    if fixture.model.refuses_authorization(user) {
        let text = "The user has denied your application access.";
        return error_redirect(&redirect_uri, "access_denied", text, state);
    }
    let code = fixture.model.grants.issue_code(app_id, user, challenge, now);
    let mut query = vec![("code", code.expose_secret())];
    query.extend(state);
    redirect(&redirect_uri, &query)
}

/// Returns this URL without `prompt`, to continue with the account that the user chose.
fn without_prompt(uri: &Uri, params: &Params) -> String {
    format!("{}?{}", uri.path(), encode_query(params.pairs().filter(|(name, _)| *name != "prompt")))
}

/// Returns the challenge, if any. GitHub supports only the method `S256`.
fn challenge(params: &Params) -> Result<Option<&str>, ()> {
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if challenge.len() == CHALLENGE_LENGTH => Ok(Some(challenge)),
        _ => Err(()),
    }
}

fn redirect(url: &str, query: &[(&str, &str)]) -> Response {
    with_query(url, query).map_or_else(not_found, |url| found(&url))
}

fn error_redirect(
    redirect_uri: &str,
    error: &str,
    description: &str,
    state: Option<(&str, &str)>,
) -> Response {
    let uri = format!("{TROUBLESHOOTING}#{}", error.replace('_', "-"));
    let mut query = vec![("error", error), ("error_description", description), ("error_uri", uri.as_str())];
    query.extend(state);
    redirect(redirect_uri, &query)
}
