//! `GET /v1/github/installation/install-url`

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::{Extension, response::IntoResponse, response::Response};
use dockline::{Caller, StartInstallRequest};
use http::header;

use crate::context::Context;
use crate::error::ApiError;
use crate::query::Parameters;
use crate::wire::{InstallLinkBody, milliseconds};

pub(crate) async fn begin(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = query.unwrap_or_default();
    let parameters = Parameters::parse(query.as_bytes());
    let issues = parameters.issues(&["returnUrl", "state"]);
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
