//! The install flow: choose an account and repositories; then install, ask an owner, or change what is there.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use secrecy::ExposeSecret;
use time::OffsetDateTime;

use super::install_page::{Form, Offer};
use super::page::{failure, found, not_found, refusal};
use super::session::{Visitor, sign_in_first, signed_in};
use crate::error::SimError;
use crate::model::Model;
use crate::model::account::Account;
use crate::model::app::App;
use crate::model::change::Actor;
use crate::model::installation::{NewInstallation, Selection};
use crate::sim::GithubSim;
use crate::urls::{Params, with_query};
use crate::world::World;

/// github.com's form, an enterprise server's form, and the one that GitHub's own SDK makes.
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
    Visitor(user): Visitor,
    uri: Uri,
    Path(slug): Path<String>,
    params: Params,
) -> Response {
    let world = sim.world();
    let Some(app) = world.model.app_by_slug(&slug) else { return not_found() };
    let Some(user) = user else {
        return sign_in_first(uri.path_and_query().map_or("/", |path| path.as_str()));
    };
    let chosen = params.get("account").or_else(|| params.get("target_id"));
    let Some(account) = choose(&world.model, user, chosen) else { return not_found() };
    form(&world.model, app, user, account, params.get("state")).page(None)
}

/// The account that was asked for, if it is offered to the person; else the first organization that they administer,
/// which is what somebody who connects a product mostly means; else their own.
fn choose<'a>(model: &'a Model, user: u64, asked: Option<&str>) -> Option<&'a Account> {
    let offered = model.accounts_of(user);
    let asked = asked.and_then(|id| id.parse::<u64>().ok());
    let asked = offered.iter().find(|account| Some(account.id) == asked);
    let administered =
        || offered.iter().find(|account| account.id != user && model.administers(user, account.id));
    asked.or_else(administered).or(offered.first()).copied()
}

fn form<'a>(
    model: &'a Model,
    app: &'a App,
    user: u64,
    account: &'a Account,
    state: Option<&'a str>,
) -> Form<'a> {
    let here = format!("/apps/{}/installations/new", app.slug);
    let here = state.map(|state| with_query(&here, &[("state", state)])).unwrap_or(here);
    Form {
        app,
        signed_in: signed_in(model, Some(user), &here),
        accounts: model.accounts_of(user),
        account,
        offer: Offer::of(model, app.id, user, account.id),
        selection: model.installation_on(app.id, account.id).map(|installation| &installation.selection),
        asked_by: model
            .installation_requests()
            .find(|request| (request.app_id, request.account_id) == (app.id, account.id))
            .and_then(|request| model.account(request.requester_id)),
        state,
    }
}

/// What the person sent, checked against what they may.
struct Submission<'a> {
    app_id: u64,
    user: u64,
    account: u64,
    selection: Selection,
    state: Option<&'a str>,
}

async fn submit(
    State(sim): State<GithubSim>,
    Visitor(user): Visitor,
    uri: Uri,
    Path(slug): Path<String>,
    body: Bytes,
) -> Response {
    let params = Params::parse(&body);
    let world = &mut *sim.world();
    let Some(app) = world.model.app_by_slug(&slug) else { return not_found() };
    let Some(user) = user else { return sign_in_first(uri.path()) };
    let asked = params.get("account").and_then(|id| id.parse::<u64>().ok());
    let Some(account) = world.model.accounts_of(user).into_iter().find(|account| Some(account.id) == asked)
    else {
        let text = "You do not belong to that account.";
        return refusal(StatusCode::FORBIDDEN, "Not your account", text);
    };
    let state = params.get("state").filter(|state| !state.is_empty());
    let offer = Offer::of(&world.model, app.id, user, account.id);
    if params.get("action") != offer.action() {
        // The account was changed in the form, and its button is another one.
        let notice = format!("Check what you can do for {}, and confirm.", account.login);
        return form(&world.model, app, user, account, state).page(Some(&notice));
    }
    let Some(selection) = selection(&params, account) else {
        return form(&world.model, app, user, account, state).page(Some("Select at least one repository."));
    };
    let submission = Submission { app_id: app.id, user, account: account.id, selection, state };
    match carry_out(world, offer, submission) {
        Ok(url) => found(&url),
        Err(error) => {
            tracing::warn!(%error, "the install flow failed");
            failure()
        }
    }
}

/// All repositories, or those chosen that the account has; none where nothing is left.
fn selection(params: &Params, account: &Account) -> Option<Selection> {
    if params.get("repository_selection") != Some("selected") {
        return Some(Selection::All);
    }
    let asked: Vec<u64> = params.all("repository").iter().filter_map(|id| id.parse().ok()).collect();
    let ids = account.repositories.iter().map(|repository| repository.id).filter(|id| asked.contains(id));
    Some(Selection::Selected(ids.collect())).filter(|selection| *selection != Selection::Selected([].into()))
}

/// Changes the model; where the browser goes then.
fn carry_out(world: &mut World, offer: Offer, submission: Submission<'_>) -> Result<String, SimError> {
    let now = world.clock.now();
    let model = &mut world.model;
    let Submission { app_id, user, account, selection, state } = submission;
    let (id, action) = match offer {
        Offer::Install => {
            let asked = |r: &&crate::model::installation::InstallationRequest| {
                (r.app_id, r.account_id) == (app_id, account)
            };
            let requester = model.installation_requests().find(asked).map(|request| request.requester_id);
            let new = NewInstallation { id: None, app_id, account, sender: user, requester, selection };
            (Some(model.install(new, now)?), "install")
        }
        Offer::Configure(id) => {
            model.select_by(id, selection, Actor::Person(user), now)?;
            (Some(id), "update")
        }
        Offer::Request => {
            model.request_installation(app_id, account, user, selection, now);
            (None, "request")
        }
        Offer::Nothing => return Err(SimError::Invalid("nothing was offered")),
    };
    let code = match offer {
        Offer::Install => true,
        Offer::Configure(_) => model.known_app(app_id)?.code_on_update,
        Offer::Request | Offer::Nothing => false,
    };
    landing(model, Arrival { app_id, user, id, action, code, state }, now)
}

/// What the App learns when the browser arrives there.
pub(super) struct Arrival<'a> {
    pub(super) app_id: u64,
    pub(super) user: u64,
    pub(super) id: Option<u64>,
    pub(super) action: &'a str,
    /// Whether the App gets a code, if it asks for authorization during installation at all.
    pub(super) code: bool,
    pub(super) state: Option<&'a str>,
}

/// The App's setup URL, or else its first callback URL, with what the App learns there.
pub(super) fn landing(
    model: &mut Model,
    arrival: Arrival<'_>,
    now: OffsetDateTime,
) -> Result<String, SimError> {
    let Arrival { app_id, user, id, action, code, state } = arrival;
    let app = model.known_app(app_id)?;
    let code = code && app.setup_url.is_none();
    let target = app.setup_url.as_deref().unwrap_or_else(|| app.callback_url()).to_owned();
    let code = code.then(|| model.grants.issue_code(app_id, user, now)).transpose()?;
    let id = id.map(|id| id.to_string());
    let mut query = Vec::new();
    query.extend(code.as_ref().map(|code| ("code", code.expose_secret())));
    query.extend(id.as_deref().map(|id| ("installation_id", id)));
    query.push(("setup_action", action));
    query.extend(state.map(|state| ("state", state)));
    Ok(with_query(&target, &query))
}
