//! `GET /v1/github/installation/install-url`

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::{Extension, response::IntoResponse, response::Response};
use dockline::{Caller, Issue, IssueCode, StartInstallRequest};
use http::header;

use crate::middleware::authenticate::ByKey;
use crate::options::Context;
use crate::wire::bodies::{InstallLinkBody, milliseconds};
use crate::wire::error::ApiError;
use crate::wire::query::Parameters;

pub(super) async fn get(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    key: Option<Extension<ByKey>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = query.unwrap_or_default();
    let parameters = Parameters::parse(query.as_bytes());
    let mut issues = parameters.issues(&["returnUrl", "state"]);
    // A state that a page of another site knows would connect the visitor's organization to the wrong installation.
    if key.is_none() && parameters.once("state").is_some() {
        let message = "A state of your own is accepted with an API key only. Leave it out, and one is made.";
        issues.push(Issue::new("state", IssueCode::UnknownKey, message));
    }
    if !issues.is_empty() {
        return Err(ApiError::validation(issues));
    }
    let request =
        StartInstallRequest { return_url: parameters.once("returnUrl"), state: parameters.once("state") };
    let link = context.dockline.start_install(&caller, request).await?;
    let body = InstallLinkBody {
        auth_url: &link.url,
        install_url: &link.url,
        state: link.state.expose(),
        expires_at: milliseconds(link.expires_at),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
