//! The install flow: the user chooses an account and repositories, and installs, requests or configures the App.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use secrecy::ExposeSecret;
use time::OffsetDateTime;

use super::install_page::{AccountAction, InstallPage};
use super::page::{error_page, found, not_found};
use super::session::{SignedIn, redirect_to_sign_in, signed_in};
use crate::error::SimError;
use crate::fixture::Fixture;
use crate::model::Model;
use crate::model::account::Account;
use crate::model::app::App;
use crate::model::installation::{NewInstallation, RepositorySelection};
use crate::sim::GithubSim;
use crate::urls::{Params, encode_query, with_query};

/// The paths of github.com and of GitHub Enterprise Server, each also in the form that GitHub's SDK generates.
const PATHS: [&str; 4] = [
    "/apps/{slug}/installations/new",
    "/apps/{slug}/installations/new/permissions",
    "/github-apps/{slug}/installations/new",
    "/github-apps/{slug}/installations/new/permissions",
];

pub(super) fn routes() -> Router<GithubSim> {
    PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, get(show).post(submit)))
}

async fn show(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    uri: Uri,
    Path(slug): Path<String>,
    params: Params,
) -> Response {
    let model = &sim.fixture().model;
    let Some(app) = model.app_by_slug(&slug) else { return not_found() };
    let Some(user) = user else { return redirect_to_sign_in(path_and_query(&uri)) };
    let requested = params.get("account").or_else(|| params.get("target_id"));
    let Some(account) = choose_account(model, user, requested) else { return not_found() };
    install_page(model, app, user, account, params.get("state")).response(None)
}

pub(super) fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

/// Returns the requested account if the user belongs to it. Otherwise returns the first organization that the user administers,
/// or else the user's own account.
fn choose_account<'a>(model: &'a Model, user: u64, requested: Option<&str>) -> Option<&'a Account> {
    let accounts = model.accounts_of(user);
    let requested = requested.and_then(|id| id.parse::<u64>().ok());
    let requested = accounts.iter().find(|account| Some(account.id) == requested);
    let administered =
        || accounts.iter().find(|account| account.id != user && model.administers(user, account.id));
    requested.or_else(administered).or(accounts.first()).copied()
}

fn install_page<'a>(
    model: &'a Model,
    app: &'a App,
    user: u64,
    account: &'a Account,
    state: Option<&'a str>,
) -> InstallPage<'a> {
    let mut here = format!("/apps/{}/installations/new", app.slug);
    if let Some(state) = state {
        here = format!("{here}?{}", encode_query([("state", state)]));
    }
    let requester = model.requester(app.id, account.id);
    InstallPage {
        app,
        signed_in: signed_in(model, Some(user), &here),
        accounts: model.accounts_of(user),
        account,
        action: AccountAction::of(model, app.id, user, account.id),
        selection: model.installation_on(app.id, account.id).map(|installation| &installation.selection),
        requester: requester.and_then(|requester| model.account(requester)),
        state,
    }
}

/// A submitted form, after validation.
struct Submission<'a> {
    app_id: u64,
    user: u64,
    account: u64,
    selection: RepositorySelection,
    state: Option<&'a str>,
}

async fn submit(
    State(sim): State<GithubSim>,
    SignedIn(user): SignedIn,
    uri: Uri,
    Path(slug): Path<String>,
    body: Bytes,
) -> Response {
    let params = Params::parse(&body);
    let fixture = &mut *sim.fixture();
    let model = &fixture.model;
    let Some(app) = model.app_by_slug(&slug) else { return not_found() };
    let Some(user) = user else { return redirect_to_sign_in(uri.path()) };
    let requested = params.get("account").and_then(|id| id.parse::<u64>().ok());
    let Some(account) = model.accounts_of(user).into_iter().find(|account| Some(account.id) == requested)
    else {
        return error_page(StatusCode::FORBIDDEN, "Not your account", "You do not belong to this account.");
    };
    let state = params.get("state").filter(|state| !state.is_empty());
    let page = |notice: &str| install_page(model, app, user, account, state).response(Some(notice));
    let action = AccountAction::of(model, app.id, user, account.id);
    if params.get("action") != action.value() {
        // The user chose another account in the form, on which they can do something else.
        return page(&format!("Check what you can do on {}, and confirm.", account.login));
    }
    let Some(selection) = selection(&params, account) else {
        return page("Select at least one repository.");
    };
    let submission = Submission { app_id: app.id, user, account: account.id, selection, state };
    match perform(fixture, action, submission) {
        Ok(url) => found(&url),
        Err(error) => {
            tracing::warn!(%error, "install flow failed");
            error_page(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", "Try again.")
        }
    }
}

/// Returns the submitted selection, or `None` if it selects no repository of the account.
fn selection(params: &Params, account: &Account) -> Option<RepositorySelection> {
    if params.get("repository_selection") != Some("selected") {
        return Some(RepositorySelection::All);
    }
    let requested: Vec<u64> = params.all("repository").filter_map(|id| id.parse().ok()).collect();
    let owned = account.repositories.iter().map(|repository| repository.id);
    let ids: BTreeSet<u64> = owned.filter(|id| requested.contains(id)).collect();
    (!ids.is_empty()).then_some(RepositorySelection::Selected(ids))
}

/// Performs the action and returns the URL to redirect to.
fn perform(
    fixture: &mut Fixture,
    action: AccountAction,
    submission: Submission<'_>,
) -> Result<String, SimError> {
    let now = fixture.now();
    let model = &mut fixture.model;
    let Submission { app_id, user, account, selection, state } = submission;
    let (installation, setup_action) = match action {
        AccountAction::Install => {
            let requester = model.requester(app_id, account);
            let new = NewInstallation { id: None, app_id, account, sender: user, requester, selection };
            (Some(model.install(new, now)?), "install")
        }
        AccountAction::Configure(id) => {
            model.select(id, selection, Some(user), now)?;
            (Some(id), "update")
        }
        AccountAction::Request => {
            model.request_installation(app_id, account, user, selection, now);
            (None, "request")
        }
        AccountAction::Nothing => return Err(SimError::Invalid("the user cannot change the installation")),
    };
    redirect_url(model, Redirect { app_id, user, installation, setup_action, state }, now)
}

/// The parameters of the redirect to an App at the end of the install flow.
pub(super) struct Redirect<'a> {
    pub(super) app_id: u64,
    pub(super) user: u64,
    pub(super) installation: Option<u64>,
    pub(super) setup_action: &'a str,
    pub(super) state: Option<&'a str>,
}

/// Returns the App's setup URL, or its first callback URL, with parameters. Only new installations of Apps without a setup URL get a code.
pub(super) fn redirect_url(
    model: &mut Model,
    redirect: Redirect<'_>,
    now: OffsetDateTime,
) -> Result<String, SimError> {
    let Redirect { app_id, user, installation, setup_action, state } = redirect;
    let app = model.require_app(app_id)?;
    let target = app.setup_url.as_deref().unwrap_or_else(|| app.callback_url()).to_owned();
    let code = (setup_action == "install" && app.setup_url.is_none())
        .then(|| model.grants.issue_code(app_id, user, None, now));
    let installation = installation.map(|id| id.to_string());
    let mut query = Vec::new();
    query.extend(code.as_ref().map(|code| ("code", code.expose_secret())));
    query.extend(installation.as_deref().map(|id| ("installation_id", id)));
    query.push(("setup_action", setup_action));
    query.extend(state.map(|state| ("state", state)));
    with_query(&target, &query).ok_or(SimError::Invalid("the App's URL is not valid"))
}
