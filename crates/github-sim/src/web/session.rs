//! Who sits in front of the browser: the session cookie, else the default user, else the sign-in page.

use std::convert::Infallible;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use secrecy::ExposeSecret;

use super::page::{escape, failure, found, page, refusal};
use crate::model::Model;
use crate::model::account::AccountKind;
use crate::sim::GithubSim;
use crate::urls::{Params, with_query};

const SESSION: &str = "github_sim_session";

pub(super) fn routes() -> Router<GithubSim> {
    Router::new().route("/login", get(show).post(submit)).route("/session/{login}", get(enter))
}

/// The signed-in person's account id, if anybody is signed in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor(pub(super) Option<u64>);

impl FromRequestParts<GithubSim> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, Infallible> {
        let cookies = parts.headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let session = pairs.find(|(name, _)| *name == SESSION).map(|(_, value)| value);
        let model = &sim.world().model;
        let user = session.and_then(|session| model.grants.session(session));
        Ok(Self(user.or_else(|| model.default_user())))
    }
}

/// Who is signed in, and a link to change that and come back to the path `here`.
pub(super) fn signed_in(model: &Model, user: Option<u64>, here: &str) -> String {
    let login = user.and_then(|user| model.account(user)).map(|account| escape(&account.login));
    let (who, change) = match login {
        Some(login) => (format!("Signed in as <strong>{login}</strong>."), "Change"),
        None => ("Nobody is signed in.".to_owned(), "Sign in"),
    };
    let address = escape(&with_query("/login", &[("return_to", here)]));
    format!("<p id=\"signed-in\">{who} <a id=\"change-user\" href=\"{address}\">{change}</a></p>\n")
}

/// To the sign-in page, and back to `path` from there.
pub(super) fn sign_in_first(path: &str) -> Response {
    found(&with_query("/login", &[("return_to", path)]))
}

/// Only a path of this simulator, never another site.
fn own_path(return_to: Option<&str>) -> &str {
    let own =
        |path: &&str| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    return_to.filter(own).unwrap_or("/")
}

async fn show(State(sim): State<GithubSim>, Visitor(user): Visitor, params: Params) -> Response {
    let world = sim.world();
    let users = world.model.accounts().filter(|account| account.kind == AccountKind::User);
    let options: String = users
        .map(|account| {
            let selected = if user == Some(account.id) { " selected" } else { "" };
            let login = escape(&account.login);
            format!("<option value=\"{login}\"{selected}>{login}</option>\n")
        })
        .collect();
    let here = own_path(params.get("return_to"));
    let return_to = escape(here);
    let form = format!(
        "{}<form method=\"post\" action=\"/login\">\n<p><label for=\"user\">Sign in as</label>\n\
         <select id=\"user\" name=\"user\">\n{options}</select></p>\n\
         <input type=\"hidden\" name=\"return_to\" value=\"{return_to}\">\n\
         <button id=\"sign-in\" type=\"submit\">Sign in</button>\n</form>\n",
        signed_in(&world.model, user, here),
    );
    page(StatusCode::OK, "Sign in", &form)
}

async fn submit(State(sim): State<GithubSim>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    sign_in(&sim, form.get("user").unwrap_or_default(), form.get("return_to"))
}

/// For scripts: a session by address alone.
async fn enter(State(sim): State<GithubSim>, Path(login): Path<String>, params: Params) -> Response {
    sign_in(&sim, &login, params.get("return_to"))
}

fn sign_in(sim: &GithubSim, login: &str, return_to: Option<&str>) -> Response {
    let model = &mut sim.world().model;
    let Ok(user) = model.user_id(login) else {
        return refusal(StatusCode::NOT_FOUND, "No such user", "Nobody here has that login.");
    };
    let Ok(session) = model.grants.sign_in(user) else { return failure() };
    let cookie = format!("{SESSION}={}; Path=/; HttpOnly; SameSite=Lax", session.expose_secret());
    let Ok(cookie) = HeaderValue::try_from(cookie) else { return failure() };
    let mut response = found(own_path(return_to));
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}
