//! Repositories, and which of them an installation reaches.

use axum::extract::{Path, State};
use axum::routing::{patch, post};
use axum::{Json, Router};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::write::{Created, Done, created, done};
use crate::model::repository::{NewRepository, RepositoryChange};
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/repositories", post(create))
        .route("/repositories/{id}", patch(change))
        .route("/installations/{id}/repositories", post(select))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RepositoryBody {
    owner: String,
    name: String,
    #[serde(default)]
    private: bool,
    default_branch: Option<String>,
    language: Option<String>,
}

async fn create(State(sim): State<GithubSim>, Json(body): Json<RepositoryBody>) -> Created {
    let mut new = NewRepository::new(&body.name).private(body.private);
    new.default_branch = body.default_branch.unwrap_or(new.default_branch);
    new.language = body.language;
    created(json!({ "id": sim.create_repository(&body.owner, new)? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    name: Option<String>,
    private: Option<bool>,
    default_branch: Option<String>,
    #[serde(default, deserialize_with = "said")]
    language: Option<Option<String>>,
}

/// Null is said, too: no language any more.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

async fn change(State(sim): State<GithubSim>, Path(id): Path<u64>, Json(body): Json<ChangeBody>) -> Done {
    let ChangeBody { name, private, default_branch, language } = body;
    done(sim.change_repository(id, RepositoryChange { name, private, default_branch, language }))
}

/// Names of repositories, without the owner.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SelectionBody {
    All,
    Only(Vec<String>),
    Add(Vec<String>),
    Remove(Vec<String>),
}

async fn select(State(sim): State<GithubSim>, Path(id): Path<u64>, Json(body): Json<SelectionBody>) -> Done {
    let names = |names: &[String], change: &dyn Fn(&[&str]) -> Result<(), crate::error::SimError>| {
        change(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    done(match body {
        SelectionBody::All => sim.select_all_repositories(id),
        SelectionBody::Only(only) => names(&only, &|only| sim.select_repositories(id, only)),
        SelectionBody::Add(more) => names(&more, &|more| sim.change_selection(id, more, true)),
        SelectionBody::Remove(less) => names(&less, &|less| sim.change_selection(id, less, false)),
    })
}
