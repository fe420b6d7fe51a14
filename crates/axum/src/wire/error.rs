//! Maps the core's errors to responses.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use dockline::{
    AuthenticateError, Binding, Budget, CallbackError, CallbackRefusal, ChargeError, DenialCause,
    DetachError, ErrorCode, Issue, PortError, PortErrorKind, PortName, RegisterError, RepositoriesError,
    StartInstallError, Status,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::ApiErrorCode;
use super::bodies::CheckBody;
use crate::middleware::budget_headers;
use crate::pages::refusal_message;

/// An error response before its body is rendered with the request id.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: ApiErrorCode,
    pub(crate) message: Cow<'static, str>,
    pub(crate) details: Option<Box<Details>>,
    budget: Option<Budget>,
    retry_after: Option<Duration>,
    challenge: Challenge,
    failed_authentication: bool,
}

/// The credential that a 401 requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Challenge {
    ApiKey,
    Signature,
    Login,
}

impl Challenge {
    /// Returns the value of `WWW-Authenticate`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "Bearer",
            Self::Signature => "X-Hub-Signature-256",
            Self::Login => "Session",
        }
    }
}

/// The `details` of an error.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub(crate) enum Details {
    Issues {
        /// All errors, in the order of the request.
        issues: Vec<Issue>,
    },
    #[serde(rename_all = "camelCase")]
    Bound {
        /// The installation of the caller's organization.
        bound_installation_id: u64,
        bound_status: &'static str,
    },
    Denied(Box<DenialDetails>),
    Platform {
        /// The platform that failed.
        platform: &'static str,
    },
    Uninstall {
        /// The platform that failed.
        platform: &'static str,
        /// Whether the platform uninstalled the App.
        uninstall: UninstallResult,
    },
    Reason {
        reason: &'static str,
    },
    Checks {
        checks: Vec<CheckBody>,
    },
}

/// The `details` of a denial by GitHub.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DenialDetails {
    /// The installation of the caller's organization, if one is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_installation_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_status: Option<&'static str>,
    /// The setting at GitHub.
    cause: &'static str,
}

/// The result of a request to uninstall whose answer was lost.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UninstallResult {
    Unknown,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: impl Into<ApiErrorCode>, message: &'static str) -> Self {
        Self {
            status,
            code: code.into(),
            message: Cow::Borrowed(message),
            details: None,
            budget: None,
            retry_after: None,
            challenge: Challenge::ApiKey,
            failed_authentication: false,
        }
    }

    /// An error of the core, with the status that belongs to its code.
    pub(crate) fn of(code: ErrorCode, message: &'static str) -> Self {
        let status = match code {
            ErrorCode::Validation => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorCode::ForbiddenScope | ErrorCode::ReturnUrlNotAllowed => StatusCode::FORBIDDEN,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::PlatformError => StatusCode::BAD_GATEWAY,
            ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal | _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, code, message)
    }

    pub(crate) fn validation(issues: Vec<Issue>) -> Self {
        let message = summary(&issues);
        let error = Self::of(ErrorCode::Validation, "").with_details(Details::Issues { issues });
        Self { message: Cow::Owned(message), ..error }
    }

    pub(crate) fn internal() -> Self {
        let message = "Something went wrong on our side. Quote the request id to support.";
        Self::of(ErrorCode::Internal, message)
    }

    pub(crate) fn nothing_bound() -> Self {
        let message = "No GitHub App installation is registered for this organization.";
        Self::of(ErrorCode::NotFound, message)
    }

    pub(crate) fn no_such_path() -> Self {
        Self::of(ErrorCode::NotFound, "There is nothing at this path.")
    }

    pub(crate) fn timed_out() -> Self {
        let message = "The request took too long and was given up. The same call may be repeated.";
        Self::of(ErrorCode::Unavailable, message).with_retry_after(Duration::from_secs(1))
    }

    fn over_budget(budget: Budget, retry_after: Duration) -> Self {
        let message = "The budget is used up. Repeat the request after Retry-After seconds.";
        Self::of(ErrorCode::RateLimited, message).with_budget(Some(budget)).with_retry_after(retry_after)
    }

    /// Returns the 401 of a delivery without a valid signature.
    pub(crate) fn unsigned() -> Self {
        let message = "The delivery is not signed with a webhook secret of ours.";
        let error = Self::of(ErrorCode::Unauthenticated, message);
        Self { challenge: Challenge::Signature, ..error }
    }

    /// Returns the 401 of the host's own login.
    pub(crate) fn not_logged_in() -> Self {
        let message = "You are not signed in. Sign in and repeat the request.";
        let error = Self::of(ErrorCode::Unauthenticated, message);
        Self { challenge: Challenge::Login, ..error }
    }

    /// A 403 of the host's own login.
    pub(crate) fn forbidden() -> Self {
        let message = "You may not administer GitHub installations of this organization.";
        Self::of(ErrorCode::ForbiddenScope, message)
    }

    /// Returns whether an API key or signature is wrong or missing, or was not sent completely. Failures of the host's own
    /// login are not included.
    pub(crate) fn is_credential_failure(&self) -> bool {
        let refused = self.code == ErrorCode::Unauthenticated && self.challenge != Challenge::Login;
        refused || self.failed_authentication
    }

    /// Counts the error against the client address like a 401.
    pub(crate) fn into_failed_authentication(mut self) -> Self {
        self.failed_authentication = true;
        self
    }

    pub(crate) fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    fn with_budget(mut self, budget: Option<Budget>) -> Self {
        self.budget = budget;
        self
    }

    /// Writes the headers of the error.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        if self.code == ErrorCode::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge.as_str()));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, budget_headers::whole_seconds(wait).max(1).into());
        }
        if let Some(budget) = &self.budget {
            budget_headers::write(budget, headers);
        }
    }
}

/// Returns the text of the first issue, since many clients show only the message, and how many there are.
fn summary(issues: &[Issue]) -> String {
    let mut text = String::new();
    if let Some(Issue { path, message, .. }) = issues.first() {
        if !message.starts_with(path.as_ref()) {
            text = format!("{path}: ");
        }
        text += message;
    }
    if issues.len() > 1 {
        text += &format!(" details.issues lists all {} problems.", issues.len());
    }
    text
}

impl IntoResponse for ApiError {
    /// Stores the error as an extension; [`render_errors`](crate::middleware::envelope::render_errors) writes the body.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        log(&error);
        let code = error.code();
        match (code, error.kind()) {
            (ErrorCode::PlatformError, PortErrorKind::RateLimited { retry_after }) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "GitHub asks us to slow down. Nothing was changed; repeat the call after Retry-After.",
            )
            .with_details(Details::Platform { platform: "github" })
            .with_retry_after(retry_after),
            (ErrorCode::PlatformError, _) => Self::of(
                code,
                "GitHub did not answer as it should. Nothing was changed; the same call may be repeated.",
            )
            .with_details(Details::Platform { platform: "github" }),
            (ErrorCode::Unavailable, _) => Self::of(
                code,
                "Our store cannot be reached. Nothing was changed; the same call may be repeated.",
            )
            .with_retry_after(Duration::from_secs(1)),
            _ => Self::internal(),
        }
    }
}

/// Logs the cause, which the response never contains. Outages of a store or of GitHub are warnings, since they pass; other
/// failures need an operator and are errors.
fn log(error: &PortError) {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let invalid_from_github =
        error.port() == PortName::GithubGateway && error.kind() == PortErrorKind::Corrupt;
    if invalid_from_github
        || matches!(error.kind(), PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. })
    {
        tracing::warn!(%error, cause, "port unavailable");
    } else {
        tracing::error!(%error, cause, "port failed");
    }
}

impl ApiError {
    /// GitHub denies the App the installation of the caller's organization, because of a setting of its account.
    fn denied(cause: DenialCause, bound: Option<&Binding>) -> Self {
        let details = DenialDetails {
            bound_installation_id: bound.map(|bound| bound.installation.get()),
            bound_status: bound.map(|bound| bound.status.as_str()),
            cause: cause.as_str(),
        };
        let error = Self::of(ErrorCode::Validation, denial_message(cause));
        error.with_details(Details::Denied(Box::new(details)))
    }
}

/// Returns what a tenant can do about a denial.
const fn denial_message(cause: DenialCause) -> &'static str {
    match cause {
        DenialCause::IpBlocked => {
            "The GitHub account's IP allow list blocks this service. Have an administrator of the account allow the \
             service's addresses, or the addresses of installed GitHub Apps."
        }
        DenialCause::SsoRequired => {
            "The GitHub organization's single sign-on blocks the App. Have an administrator of the organization allow it."
        }
        DenialCause::PermissionMissing => {
            "The GitHub account has not granted the App a permission that this needs. Have an administrator of the account \
             accept the App's requested permissions."
        }
        DenialCause::AccountSuspended => {
            "GitHub suspended the account of the installation. Its administrator has to contact GitHub."
        }
        DenialCause::LegalBlock => {
            "GitHub blocks access to the account's repositories for legal reasons. Its administrator has to contact GitHub."
        }
        DenialCause::Other | _ => {
            "GitHub denies access to the installation. Have an administrator of its account check the App's permissions and \
             the account's security settings."
        }
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        let code = error.code();
        match error {
            AuthenticateError::Unauthenticated => {
                let message = "A valid API key is required: Authorization: Bearer lp_….";
                Self::of(code, message)
            }
            AuthenticateError::ForbiddenScope { budget, .. } => {
                let message = "The API key lacks the scope github:admin.";
                Self::of(code, message).with_budget(budget)
            }
            AuthenticateError::RateLimited { budget, retry_after, .. } => {
                Self::over_budget(budget, retry_after)
            }
            AuthenticateError::Port(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<ChargeError> for ApiError {
    fn from(error: ChargeError) -> Self {
        match error {
            ChargeError::RateLimited { budget, retry_after } => Self::over_budget(budget, retry_after),
            ChargeError::Port(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<CallbackError> for ApiError {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::Refused { reason, .. } => reason.into(),
            CallbackError::Port { error, .. } => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<CallbackRefusal> for ApiError {
    fn from(reason: CallbackRefusal) -> Self {
        let error = Self::of(reason.code(), refusal_message(reason));
        error.with_details(if reason == CallbackRefusal::MembershipUnavailable {
            Details::Platform { platform: "github" }
        } else {
            Details::Reason { reason: reason.as_str() }
        })
    }
}

impl From<DetachError> for ApiError {
    fn from(error: DetachError) -> Self {
        match error {
            DetachError::NotBound => Self::nothing_bound(),
            DetachError::Denied { binding, cause } => Self::denied(cause, Some(&binding)),
            DetachError::UninstallUnknown(error) => {
                log(&error);
                Self::of(
                    error.code(),
                    "GitHub's answer to the request to uninstall was lost, so the App may be uninstalled or not. The \
                     installation is still connected; repeat the same call, which finds out.",
                )
                .with_details(Details::Uninstall { platform: "github", uninstall: UninstallResult::Unknown })
            }
            DetachError::Port(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<StartInstallError> for ApiError {
    fn from(error: StartInstallError) -> Self {
        let code = error.code();
        match error {
            StartInstallError::Invalid(issues) => Self::validation(issues),
            StartInstallError::ReturnUrlNotAllowed => Self::of(
                code,
                "returnUrl must be an HTTPS URL whose host is on the key's allowedReturnDomains.",
            ),
            StartInstallError::Port(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        let code = error.code();
        match error {
            RegisterError::Refused(reason) => Self::validation(vec![reason.issue()]),
            RegisterError::Conflict(bound) => Self::of(
                code,
                "Your organization already has a different installation bound. Detach it first.",
            )
            .with_details(Details::Bound {
                bound_installation_id: bound.installation.get(),
                bound_status: Status::as_str(bound.status),
            }),
            RegisterError::Denied(cause) => Self::denied(cause, None),
            RegisterError::Port(error) => error.into(),
            _ => Self::internal(),
        }
    }
}

impl From<RepositoriesError> for ApiError {
    fn from(error: RepositoriesError) -> Self {
        let code = error.code();
        match error {
            RepositoriesError::NotBound => Self::nothing_bound(),
            RepositoriesError::Unusable(bound) => {
                let message = match bound.status {
                    Status::Suspended => {
                        "The installation is suspended at GitHub. Have the owner of its account unsuspend it there."
                    }
                    Status::Uninstalled => {
                        "The App was uninstalled at GitHub. Detach the installation, and connect again by install-url."
                    }
                    Status::Active => {
                        "GitHub names another account for the installation than the one that was connected. Detach it, \
                         and connect again by install-url."
                    }
                };
                Self::of(code, message).with_details(Details::Bound {
                    bound_installation_id: bound.installation.get(),
                    bound_status: bound.status.as_str(),
                })
            }
            RepositoriesError::Denied { binding, cause } => Self::denied(cause, Some(&binding)),
            RepositoriesError::TooMany(bound) => Self::of(
                code,
                "The installation has access to more than 20,000 repositories, which cannot be listed. Have the owner of its \
                 account select fewer repositories for the App at GitHub.",
            )
            .with_details(Details::Bound {
                bound_installation_id: bound.installation.get(),
                bound_status: bound.status.as_str(),
            }),
            RepositoriesError::Missing { retry_after } => Self::of(
                code,
                "GitHub does not show the installation at the moment. Nothing was changed; repeat the call after \
                 Retry-After.",
            )
            .with_details(Details::Platform { platform: "github" })
            .with_retry_after(retry_after),
            RepositoriesError::Port(error) => error.into(),
            _ => Self::internal(),
        }
    }
}
