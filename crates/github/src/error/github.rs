use std::time::Duration;

use dockline::{AppId, DenialCause, GithubCredential, InstallationId, PortError, PortErrorKind, PortName};
use time::OffsetDateTime;

use super::{CallError, SignerError};

/// Why a call to GitHub failed. Contains no secret: GitHub's own words are redacted first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GithubError {
    Unreachable { detail: String },
    TimedOut,
    Server { status: u16, message: String },
    RateLimited { wait: Duration, message: String },
    Paused { wait: Duration },
    CredentialRejected { message: String, date: Option<OffsetDateTime> },
    ClockSkew { seconds: u64, behind: bool, message: String },
    UnknownApp,
    OtherApp { configured: AppId, reported: u64 },
    Suspended,
    Denied { status: u16, denial: Denial, message: String },
    PermissionMissing { needed: Option<String>, message: String },
    NotFound { message: String, own: bool },
    Redirect { status: u16 },
    UnsupportedApiVersion { message: String },
    Unprocessable { message: String },
    UnexpectedStatus { status: u16, message: String },
    InvalidResponse { detail: String },
    TooLarge { max_body: usize },
    NoOauthClient,
    OauthClientRejected { error: String },
    ExchangeRejected { error: String },
    ManifestCodeRejected,
    VisitorTokenRejected,
    Signing(SignerError),
    TaskEnded,
}

/// A setting of an account, or a decision of GitHub's, because of which GitHub denies access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    SsoRequired {
        /// GitHub's page to sign in, on the App's web host.
        url: Option<String>,
    },
    IpBlocked,
    AccountSuspended,
    LegalBlock,
    Other,
}

impl GithubError {
    pub(crate) const fn kind(&self) -> PortErrorKind {
        match self {
            Self::Unreachable { .. } | Self::TimedOut | Self::Server { .. } | Self::VisitorTokenRejected => {
                PortErrorKind::Unavailable
            }
            Self::RateLimited { wait, .. } | Self::Paused { wait } => {
                PortErrorKind::RateLimited { retry_after: *wait }
            }
            Self::CredentialRejected { .. }
            | Self::ClockSkew { .. }
            | Self::UnknownApp
            | Self::OtherApp { .. }
            | Self::Suspended
            | Self::Denied { .. }
            | Self::PermissionMissing { .. }
            | Self::NoOauthClient
            | Self::OauthClientRejected { .. }
            | Self::ManifestCodeRejected => PortErrorKind::Rejected,
            Self::Signing(error) => error.kind(),
            Self::Redirect { .. } | Self::InvalidResponse { .. } | Self::TooLarge { .. } => {
                PortErrorKind::Corrupt
            }
            Self::NotFound { .. }
            | Self::UnsupportedApiVersion { .. }
            | Self::Unprocessable { .. }
            | Self::UnexpectedStatus { .. }
            | Self::ExchangeRejected { .. }
            | Self::TaskEnded => PortErrorKind::Unexpected,
        }
    }

    /// Converts the error of a call with this credential.
    pub(crate) fn about(self, credential: GithubCredential) -> PortError {
        PortError::new(PortName::GithubGateway, self.kind(), CallError(self)).about(credential)
    }

    /// Returns why GitHub denies an installation, if a setting of its account is the cause.
    pub(crate) const fn denial_cause(&self) -> Option<DenialCause> {
        if let Self::Denied { denial, .. } = self {
            return Some(match denial {
                Denial::SsoRequired { .. } => DenialCause::SsoRequired,
                Denial::IpBlocked => DenialCause::IpBlocked,
                Denial::AccountSuspended => DenialCause::AccountSuspended,
                Denial::LegalBlock => DenialCause::LegalBlock,
                Denial::Other => DenialCause::Other,
            });
        }
        if matches!(self, Self::PermissionMissing { .. }) {
            Some(DenialCause::PermissionMissing)
        } else if matches!(self, Self::Suspended) {
            // Where the port has no outcome for a suspension, since GitHub shows suspended installations.
            Some(DenialCause::Other)
        } else {
            None
        }
    }

    /// The response does not have the form that GitHub documents.
    pub(crate) fn invalid_response(detail: impl Into<String>) -> Self {
        Self::InvalidResponse { detail: detail.into() }
    }
}

impl From<SignerError> for GithubError {
    fn from(error: SignerError) -> Self {
        Self::Signing(error)
    }
}

/// Returns the cause of a denied installation, or the error if it has another cause. Logs GitHub's words, which are for
/// operators only.
pub(crate) fn denied(installation: InstallationId, error: GithubError) -> Result<DenialCause, GithubError> {
    let Some(cause) = error.denial_cause() else { return Err(error) };
    tracing::warn!(%installation, cause = cause.as_str(), %error, "GitHub denies the App an installation");
    Ok(cause)
}
