//! Sign-in: a session cookie, or else the default user.

use std::convert::Infallible;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use cookie::{Cookie, SameSite};
use maud::{Markup, html};
use secrecy::ExposeSecret;

use super::page::{error_page, found, page};
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::sim::GithubSim;
use crate::urls::{Params, encode_query};

const SESSION: &str = "github_sim_session";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/login", get(show).post(submit)).route("/session/{login}", get(start_session))
}

/// The account id of the signed-in user, if any.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedIn(pub(super) Option<u64>);

impl FromRequestParts<GithubSim> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, Infallible> {
        let headers = parts.headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut cookies = headers.flat_map(Cookie::split_parse).flatten();
        let session = cookies.find(|cookie| cookie.name() == SESSION);
        let model = &sim.fixture().model;
        let user = session.and_then(|session| model.grants.session(session.value()));
        Ok(Self(user.or_else(|| model.default_user())))
    }
}

/// Returns who is signed in, with a link to the sign-in page that leads back to the path `here`.
pub(super) fn signed_in(model: &Model, user: Option<u64>, here: &str) -> Markup {
    let link = format!("/login?{}", encode_query([("return_to", here)]));
    html! {
        p #signed-in {
            @match user.and_then(|user| model.account(user)) {
                Some(account) => {
                    "Signed in as " strong { (account.login) } ". " a #change-user href=(link) { "Change" }
                }
                None => { "Not signed in. " a #change-user href=(link) { "Sign in" } }
            }
        }
    }
}

/// Redirects to the sign-in page, which leads back to `path`.
pub(super) fn redirect_to_sign_in(path: &str) -> Response {
    found(&format!("/login?{}", encode_query([("return_to", path)])))
}

/// Returns `return_to` if it is a path of the simulator, and otherwise `/`.
fn local_path(return_to: Option<&str>) -> &str {
    let local =
        |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    return_to.filter(local).unwrap_or("/")
}

async fn show(State(sim): State<GithubSim>, SignedIn(user): SignedIn, params: Params) -> Response {
    let model = &sim.fixture().model;
    let here = local_path(params.get("return_to"));
    let main = html! {
        (signed_in(model, user, here))
        form method="post" action="/login" {
            input type="hidden" name="return_to" value=(here);
            p {
                label for="user" { "Sign in as" } " "
                select #user name="user" {
                    @for account in model.accounts().filter(|account| account.kind == AccountKind::User) {
                        option value=(account.login) selected[user == Some(account.id)] { (account.login) }
                    }
                } " "
                button #sign-in type="submit" { "Sign in" }
            }
        }
    };
    page(StatusCode::OK, "Sign in", main)
}

async fn submit(State(sim): State<GithubSim>, body: Bytes) -> Response {
    let params = Params::parse(&body);
    sign_in(&sim, params.get("user").unwrap_or_default(), params.get("return_to"))
}

/// Signs in without a form, for scripts.
async fn start_session(State(sim): State<GithubSim>, Path(login): Path<String>, params: Params) -> Response {
    sign_in(&sim, &login, params.get("return_to"))
}

fn sign_in(sim: &GithubSim, login: &str, return_to: Option<&str>) -> Response {
    let model = &mut sim.fixture().model;
    let Ok(user) = model.user_id(login) else {
        return error_page(StatusCode::NOT_FOUND, "No such user", "No user has this login.");
    };
    let session = model.grants.sign_in(user);
    let cookie = Cookie::build((SESSION, session.expose_secret()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .to_string();
    let mut response = found(local_path(return_to));
    response.headers_mut().extend(HeaderValue::try_from(cookie).ok().map(|cookie| (SET_COOKIE, cookie)));
    response
}
