//! Installation tokens and hourly limits.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ControlError;
use super::write::{Created, Done, created, done};
use crate::model::installation_token::{TokenFormat, TokenLag};
use crate::rate_limit::RateLimited;
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/installation-tokens", post(issue))
        .route("/installations/{id}/revoke-tokens", post(revoke))
        .route("/token-format", post(format))
        .route("/token-lag", post(lag))
        .route("/rate-limits", post(rate_limit))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssueBody {
    installation_id: u64,
}

async fn issue(State(sim): State<GithubSim>, Json(body): Json<IssueBody>) -> Created {
    let token = sim.issue_installation_token(body.installation_id)?;
    created(json!({ "token": token.expose_secret() }))
}

async fn revoke(State(sim): State<GithubSim>, Path(id): Path<u64>) -> Result<Json<Value>, ControlError> {
    Ok(Json(json!({ "revoked": sim.revoke_installation_tokens(id)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatBody {
    format: TokenFormat,
}

async fn format(State(sim): State<GithubSim>, Json(body): Json<FormatBody>) -> StatusCode {
    sim.set_token_format(body.format);
    StatusCode::NO_CONTENT
}

async fn lag(State(sim): State<GithubSim>, Json(lag): Json<Option<TokenLag>>) -> StatusCode {
    sim.set_token_lag(lag);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct RateLimitBody {
    #[serde(flatten)]
    caller: RateLimited,
    limit: Option<u32>,
}

async fn rate_limit(State(sim): State<GithubSim>, Json(body): Json<RateLimitBody>) -> Done {
    done(sim.set_rate_limit(body.caller, body.limit))
}
