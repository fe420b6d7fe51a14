//! Error responses: status, code, text, details and headers.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use dockline::{Binding, Budget, ErrorCode, Issue};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::ApiErrorCode;
use super::bodies::CheckBody;
use crate::middleware::budget_headers;
use crate::middleware::observe::ResponseCode;

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
    closes: bool,
    overloaded: bool,
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
    Denied(DenialDetails),
    Platform {
        /// The platform that failed.
        platform: &'static str,
    },
    Uninstall {
        /// The platform that failed.
        platform: &'static str,
        /// Whether the platform uninstalled the App: `unknown`.
        uninstall: &'static str,
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
    pub(super) bound_installation_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bound_status: Option<&'static str>,
    /// The setting at GitHub.
    pub(super) cause: &'static str,
}

impl Details {
    /// The binding of the caller's organization.
    pub(super) fn bound(binding: &Binding) -> Self {
        Self::Bound {
            bound_installation_id: binding.installation.get(),
            bound_status: binding.status.as_str(),
        }
    }
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
            closes: false,
            overloaded: false,
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

    /// Returns the 503 of a request that was refused at once because too many others wait.
    pub(super) fn overloaded() -> Self {
        let message = "Too many requests are waiting. Nothing was changed; repeat the request after Retry-After seconds.";
        let error = Self::of(ErrorCode::Unavailable, message).with_retry_after(Duration::from_secs(1));
        Self { overloaded: true, ..error }
    }

    /// Returns what log and metrics say about the error.
    pub(crate) const fn response_code(&self) -> ResponseCode {
        ResponseCode { code: self.code, overloaded: self.overloaded }
    }

    pub(super) fn over_budget(budget: Budget, retry_after: Duration) -> Self {
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

    /// Closes the client's connection after the response.
    pub(crate) fn and_close(mut self) -> Self {
        self.closes = true;
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

    pub(super) fn with_budget(mut self, budget: Option<Budget>) -> Self {
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
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
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
