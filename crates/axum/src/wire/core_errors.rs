//! Maps the core's errors to responses.

use std::time::Duration;

use dockline::{
    AuthenticateError, Binding, CallbackError, CallbackRefusal, ChargeError, DenialCause, DetachError,
    ErrorCode, PortError, PortErrorKind, PortName, RegisterError, RepositoriesError, StartInstallError,
    Status,
};
use http::StatusCode;

use super::error::{ApiError, DenialDetails, Details};
use crate::pages::refusal_message;

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        log(&error);
        let code = error.code();
        match (code, error.kind()) {
            (ErrorCode::PlatformError, PortErrorKind::RateLimited { retry_after }) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "No more requests can be sent to GitHub for now. Nothing was changed; repeat the call after Retry-After.",
            )
            .with_details(Details::Platform { platform: "github" })
            .with_retry_after(retry_after),
            (ErrorCode::PlatformError, _) => Self::of(
                code,
                "GitHub is unreachable or returned an invalid response. Nothing was changed; the same call may be repeated.",
            )
            .with_details(Details::Platform { platform: "github" }),
            (ErrorCode::Unavailable, PortErrorKind::Overloaded) => Self::overloaded(),
            (ErrorCode::Unavailable, _) => Self::of(
                code,
                "Our store cannot be reached. Nothing was changed; the same call may be repeated.",
            )
            .with_retry_after(Duration::from_secs(1)),
            _ => Self::internal(),
        }
    }
}

/// Logs the causes, which the response never contains. Outages of a store or of GitHub are warnings, since they pass; other
/// failures need an operator and are errors.
fn log(error: &PortError) {
    let cause = error.causes();
    if error.kind() == PortErrorKind::Overloaded {
        // One line per refused request would make the overload worse.
        tracing::debug!(%error, cause, "request refused");
        return;
    }
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
        error.with_details(Details::Denied(details))
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
            AuthenticateError::Mismatched => {
                tracing::error!(%error, "the store answered about another key; the answer was not used");
                Self::internal().and_close()
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
                    "GitHub's response to the request to uninstall was lost, so the App may or may not be uninstalled. \
                     The installation is still connected; repeat the same call.",
                )
                .with_details(Details::Uninstall { platform: "github", uninstall: "unknown" })
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
            .with_details(Details::bound(&bound)),
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
                Self::of(code, message).with_details(Details::bound(&bound))
            }
            RepositoriesError::Denied { binding, cause } => Self::denied(cause, Some(&binding)),
            RepositoriesError::TooMany(bound) => Self::of(
                code,
                "The installation has access to more than 20,000 repositories, which cannot be listed. Have the owner of its \
                 account select fewer repositories for the App at GitHub.",
            )
            .with_details(Details::bound(&bound)),
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
