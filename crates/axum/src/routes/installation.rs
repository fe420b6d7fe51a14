//! `POST`, `GET` and `DELETE /v1/github/installation`, and `GET /v1/github/installation/install-url`

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use dockline::{Issue, IssueCode, Registered, RegistrationRequest, StartInstallRequest, Uninstall};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::middleware::authenticate::Admitted;
use crate::options::Context;
use crate::wire::bodies::{InstallLinkBody, InstallationBody, Json, VerifiedInstallationBody, milliseconds};
use crate::wire::error::ApiError;
use crate::wire::query::Parameters;
use crate::wire::request_body;

/// The header of a response to a repeated registration.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

pub(super) async fn register(
    context: Context,
    Admitted { caller, binding, .. }: Admitted,
    request: Request,
) -> Result<Response, ApiError> {
    let body = request_body::read(request, "application/json").await?;
    let request = RegistrationRequest::parse(&body).map_err(ApiError::validation)?;
    let registered = context.dockline.register_with(&caller, binding, &request).await?;
    let body = InstallationBody::from(registered.binding());
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if matches!(registered, Registered::Replayed(_)) {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

pub(super) async fn get(
    context: Context,
    Admitted { caller, binding, .. }: Admitted,
    _: Request,
) -> Result<Response, ApiError> {
    match context.dockline.binding_with(&caller, binding).await? {
        Some(binding) => Ok(Json(VerifiedInstallationBody::from(&binding)).into_response()),
        None => Err(ApiError::nothing_bound()),
    }
}

pub(super) async fn detach(
    context: Context,
    Admitted { caller, binding, .. }: Admitted,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let query = request.uri().query().unwrap_or_default();
    let uninstall = uninstall(&Parameters::parse(query.as_bytes())).map_err(ApiError::validation)?;
    context.dockline.detach_with(&caller, binding, uninstall).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rejects unknown parameters and values: a misspelled `uninstall` must not become a detach that leaves the App installed.
fn uninstall(parameters: &Parameters<'_>) -> Result<Uninstall, Vec<Issue>> {
    let (uninstall, values) = match parameters.first("uninstall") {
        None | Some("false") => (Uninstall::No, vec![]),
        Some("true") => (Uninstall::Yes, vec![]),
        Some(_) => {
            let message = "uninstall must be true or false.";
            (Uninstall::No, vec![Issue::new("uninstall", IssueCode::Malformed, message)])
        }
    };
    let issues = parameters.issues(&["uninstall"], values);
    if issues.is_empty() { Ok(uninstall) } else { Err(issues) }
}

pub(super) async fn install_url(
    context: Context,
    Admitted { caller, key, .. }: Admitted,
    request: Request,
) -> Result<Response, ApiError> {
    let query = request.uri().query().unwrap_or_default();
    let parameters = Parameters::parse(query.as_bytes());
    let request =
        StartInstallRequest { return_url: parameters.first("returnUrl"), state: parameters.first("state") };
    let mut values = request.issues(&caller);
    // With a state that it knows, a page of another site could have the visitor's organization bound to its installation.
    if key.is_none() && request.state.is_some() {
        let message = "state is accepted with an API key only. Leave it out to get a new one.";
        values.retain(|issue| issue.path != "state");
        values.push(Issue::new("state", IssueCode::UnknownKey, message));
    }
    let issues = parameters.issues(&["returnUrl", "state"], values);
    if !issues.is_empty() {
        return Err(ApiError::validation(issues));
    }
    let link = context.dockline.start_install(&caller, request).await?;
    let body = InstallLinkBody {
        auth_url: &link.url,
        install_url: &link.url,
        state: link.state.expose(),
        expires_at: milliseconds(link.expires_at),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
