//! Accounts, memberships and authorizations.

use axum::extract::{Path, State};
use axum::routing::{delete, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{Created, Done, created, done};
use crate::model::account::{MembershipState, Role};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/users", post(create_user))
        .route("/users/{login}/refuse-authorization", post(refuse_authorization))
        .route("/authorizations", delete(revoke_authorization))
        .route("/organizations", post(create_organization))
        .route("/enterprises", post(create_enterprise))
        .route("/default-user", post(default_user))
        .route("/memberships", post(set_membership).delete(remove_membership))
        .route("/collaborators", post(add_collaborator))
        .route("/accounts/{login}/rename", post(rename))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    login: String,
}

async fn create_user(State(sim): State<GithubSim>, Json(body): Json<LoginBody>) -> Created {
    created(json!({ "id": sim.create_user(&body.login)? }))
}

async fn create_organization(State(sim): State<GithubSim>, Json(body): Json<LoginBody>) -> Created {
    created(json!({ "id": sim.create_organization(&body.login)? }))
}

async fn rename(
    State(sim): State<GithubSim>,
    Path(login): Path<String>,
    Json(body): Json<LoginBody>,
) -> Done {
    done(sim.rename(&login, &body.login))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlugBody {
    slug: String,
}

async fn create_enterprise(State(sim): State<GithubSim>, Json(body): Json<SlugBody>) -> Created {
    created(json!({ "id": sim.create_enterprise(&body.slug)? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultUserBody {
    login: Option<String>,
}

async fn default_user(State(sim): State<GithubSim>, Json(body): Json<DefaultUserBody>) -> Done {
    done(sim.default_user(body.login.as_deref()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MembershipBody {
    organization: String,
    user: String,
    role: Role,
    #[serde(default)]
    state: MembershipState,
}

async fn set_membership(State(sim): State<GithubSim>, Json(body): Json<MembershipBody>) -> Done {
    done(sim.set_membership_state(&body.organization, &body.user, body.role, body.state))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberBody {
    organization: String,
    user: String,
}

async fn remove_membership(State(sim): State<GithubSim>, Json(body): Json<MemberBody>) -> Done {
    done(sim.remove_membership(&body.organization, &body.user))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CollaboratorBody {
    owner: String,
    user: String,
}

async fn add_collaborator(State(sim): State<GithubSim>, Json(body): Json<CollaboratorBody>) -> Done {
    done(sim.add_collaborator(&body.owner, &body.user))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizationBody {
    app_id: u64,
    user: String,
}

async fn revoke_authorization(State(sim): State<GithubSim>, Json(body): Json<AuthorizationBody>) -> Done {
    done(sim.revoke_authorization(body.app_id, &body.user))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefuseBody {
    refuse: bool,
}

async fn refuse_authorization(
    State(sim): State<GithubSim>,
    Path(login): Path<String>,
    Json(body): Json<RefuseBody>,
) -> Done {
    done(sim.refuse_authorization(&login, body.refuse))
}
