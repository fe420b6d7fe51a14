//! Stands for the host's own login: users, and sessions in cookies. Passwords are left out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{RawForm, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Router, http};
use cookie::{Cookie, SameSite};
use dockline::ports::{Entropy, OsEntropy};
use dockline::{Actor, OrganizationId, OrganizationName};
use http::{HeaderMap, StatusCode, header};

/// A user of the host, with the organization that they act for.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: Actor,
    pub(crate) organization: OrganizationId,
    pub(crate) organization_name: OrganizationName,
    pub(crate) is_admin: bool,
}

/// The users, and the sessions by their cookies.
#[derive(Debug)]
pub(crate) struct Login {
    users: HashMap<&'static str, User>,
    sessions: Mutex<HashMap<String, User>>,
}

const COOKIE: &str = "session";

impl Login {
    /// Creates the users `ann`, an administrator of Acme, and `bob`, a member.
    pub(crate) fn new() -> super::simulation::Result<Arc<Self>> {
        let user = |name: &'static str, is_admin| -> super::simulation::Result<_> {
            let (organization, organization_name) =
                (OrganizationId::new("org_acme")?, "Acme Coffee".parse()?);
            Ok((name, User { name: name.parse()?, organization, organization_name, is_admin }))
        };
        let users = HashMap::from([user("ann", true)?, user("bob", false)?]);
        Ok(Arc::new(Self { users, sessions: Mutex::default() }))
    }

    /// Returns the user of a request, by its session cookie.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Option<User> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut cookies = cookies.flat_map(Cookie::split_parse).filter_map(Result::ok);
        let session = cookies.find(|cookie| cookie.name() == COOKIE)?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(session.value()).cloned()
    }

    /// Returns the route `POST /login`.
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        Router::new().route("/login", post(sign_in)).with_state(self)
    }
}

async fn sign_in(State(login): State<Arc<Login>>, RawForm(form): RawForm) -> Response {
    let name = form_urlencoded::parse(&form).find(|(field, _)| field == "user").map(|(_, value)| value);
    let Some(user) = name.and_then(|name| login.users.get(&*name)) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let mut random = [0; 32];
    if OsEntropy.fill(&mut random).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let session = data_encoding::BASE64URL_NOPAD.encode(&random);
    let sessions = &mut login.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.insert(session.clone(), user.clone());
    let cookie = Cookie::build((COOKIE, session)).path("/").http_only(true).same_site(SameSite::Lax);
    ([(header::SET_COOKIE, cookie.to_string())], Redirect::to("/")).into_response()
}
