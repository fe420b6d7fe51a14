//! Repositories, and the selection of an installation.

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{Created, Done, created, done};
use crate::model::repository::NewRepository;
use crate::sim::GithubSim;

pub(super) fn routes() -> Router<GithubSim> {
    Router::new()
        .route("/repositories", post(create))
        .route("/repositories/{owner}/{name}/commits", post(commit))
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
struct CommitBody {
    user: String,
    path: String,
    content: String,
}

async fn commit(
    State(sim): State<GithubSim>,
    Path((owner, name)): Path<(String, String)>,
    Json(CommitBody { user, path, content }): Json<CommitBody>,
) -> Created {
    created(json!({ "sha": sim.commit_file(&user, (&owner, &name), &path, &content).await? }))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SelectionBody {
    All,
    /// Names without the owner.
    Only(Vec<String>),
}

async fn select(State(sim): State<GithubSim>, Path(id): Path<u64>, Json(body): Json<SelectionBody>) -> Done {
    done(match body {
        SelectionBody::All => sim.select_all_repositories(id),
        SelectionBody::Only(names) => {
            sim.select_repositories(id, &names.iter().map(String::as_str).collect::<Vec<_>>())
        }
    })
}
