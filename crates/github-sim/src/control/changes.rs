//! Changes of accounts and authorizations that Apps are told of.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::ControlError;
use crate::sim::GithubSim;

type Done = Result<StatusCode, ControlError>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UninstallBody {
    by: Option<String>,
}

pub(super) async fn uninstall(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    body: Option<Json<UninstallBody>>,
) -> Done {
    match body.and_then(|Json(body)| body.by) {
        Some(by) => sim.uninstall_by(id, &by)?,
        None => sim.uninstall(id)?,
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferBody {
    to: String,
}

pub(super) async fn transfer(
    State(sim): State<GithubSim>,
    Path(id): Path<u64>,
    Json(body): Json<TransferBody>,
) -> Done {
    sim.transfer(id, &body.to)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorizationBody {
    app_id: u64,
    user: String,
}

pub(super) async fn revoke_authorization(
    State(sim): State<GithubSim>,
    Json(body): Json<AuthorizationBody>,
) -> Done {
    sim.revoke_authorization(body.app_id, &body.user)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalBody {
    refuse: bool,
}

pub(super) async fn refuse_authorization(
    State(sim): State<GithubSim>,
    Path(login): Path<String>,
    Json(body): Json<RefusalBody>,
) -> Done {
    sim.refuse_authorization(&login, body.refuse)?;
    Ok(StatusCode::NO_CONTENT)
}
