//! `GET /v1/github/repos`

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use dockline::{Issue, RepositoriesQuery};

use crate::middleware::authenticate::Admitted;
use crate::options::Context;
use crate::wire::bodies::{Json, RepositoriesBody};
use crate::wire::error::ApiError;
use crate::wire::query::Parameters;

pub(super) async fn list(
    context: Context,
    Admitted { caller, .. }: Admitted,
    request: Request,
) -> Result<Response, ApiError> {
    let query = request.uri().query().unwrap_or_default();
    let query = parse(&Parameters::parse(query.as_bytes())).map_err(ApiError::validation)?;
    let page = context.dockline.repositories(&caller.organization, &query).await?;
    Ok(Json(RepositoriesBody::from(&page)).into_response())
}

/// Rejects unknown parameters: a misspelled `search` must not list everything.
fn parse(parameters: &Parameters<'_>) -> Result<RepositoriesQuery, Vec<Issue>> {
    const KNOWN: [&str; 3] = ["cursor", "limit", "search"];
    let [cursor, limit, search] = KNOWN.map(|name| parameters.first(name));
    let parsed = RepositoriesQuery::parse(cursor, limit, search);
    let values = parsed.as_ref().err().cloned().unwrap_or_default();
    let issues = parameters.issues(&KNOWN, values);
    if issues.is_empty() { parsed } else { Err(issues) }
}
