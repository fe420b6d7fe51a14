use std::time::Duration;

use dockline::{AppId, DenialCause, GithubCredential, InstallationId, PortError, PortErrorKind, PortName};
use time::OffsetDateTime;

use crate::auth::SignerError;
use crate::host::GithubHost;

/// Why a call to GitHub failed: the `source()` of each [`PortError`] of this crate. Each text is for the operator's log: it
/// names the cause and, if there is one, the remedy. None holds a secret: GitHub's own words are redacted first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GithubError {
    #[error(
        "GitHub cannot be reached ({detail}): check network, DNS, proxy and firewalls between here and GitHub"
    )]
    Unreachable { detail: String },
    #[error("GitHub did not answer in time")]
    TimedOut,
    #[error("GitHub returned {status}, a failure on its side: see its status page. It said: {message:?}")]
    Server { status: u16, message: String },
    #[error("GitHub limits the rate of this credential for {} s. It said: {message:?}", wait.as_secs())]
    RateLimited { wait: Duration, message: String },
    #[error("not sent: GitHub asked for a pause of this credential, which ends in {} s", wait.as_secs())]
    Paused { wait: Duration },
    #[error(
        "GitHub refuses the App's credential (401): check that private key, issuer (client id or App id) and host belong \
         together, and that the key is still listed on the App's settings page. It said: {message:?}"
    )]
    CredentialRejected { message: String, date: Option<OffsetDateTime> },
    #[error(
        "our clock is {seconds} s {} GitHub's, and GitHub refuses the App's credential (401) even with corrected dates: \
         set the clock, and check that the host is GitHub. It said: {message:?}",
        if *.behind { "behind" } else { "ahead of" }
    )]
    ClockSkew { seconds: u64, behind: bool, message: String },
    #[error("GitHub knows no App with this id or client id (404): check App id, issuer and host")]
    UnknownApp,
    #[error(
        "the private key belongs to App {reported}, but the configured App id is {configured}: configure key and id of one \
         App"
    )]
    OtherApp { configured: AppId, reported: u64 },
    #[error("the installation is suspended (403): its owner must unsuspend it")]
    Suspended,
    #[error("GitHub denies access ({status}): {denial}. It said: {message:?}")]
    Denied { status: u16, denial: Denial, message: String },
    #[error(
        "GitHub denies access (403): the App lacks a permission{}, or the account has not accepted it yet. It said: \
         {message:?}",
        .needed.as_deref().map(|needed| format!(" ({needed})")).unwrap_or_default()
    )]
    PermissionMissing { needed: Option<String>, message: String },
    #[error("GitHub returned 404: the object does not exist or is not visible to the App")]
    NotFound { message: String, own: bool },
    #[error(
        "GitHub returned a redirect ({status}), which is never followed: check the host, and look for a proxy in between"
    )]
    Redirect { status: u16 },
    #[error("GitHub does not support the API version (400): configure another one. It said: {message:?}")]
    UnsupportedApiVersion { message: String },
    #[error("GitHub refuses the request as invalid (422). It said: {message:?}")]
    Unprocessable { message: String },
    #[error("GitHub returned {status}, which is unexpected here. It said: {message:?}")]
    UnexpectedStatus { status: u16, message: String },
    #[error(
        "the response is not one of GitHub's ({detail}): check the host, and look for a proxy in between"
    )]
    InvalidResponse { detail: String },
    #[error("the response is larger than {} MiB, the limit for this call: check the host", max_body >> 20)]
    TooLarge { max_body: usize },
    #[error(
        "a visitor's code cannot be exchanged without an OAuth client: configure client id and client secret"
    )]
    NoOauthClient,
    #[error(
        "GitHub refuses the OAuth client ({error}): check client id, client secret, callback URL and host"
    )]
    OauthClientRejected { error: String },
    #[error("GitHub refused to exchange the code with an error unknown to this version ({error})")]
    ExchangeRejected { error: String },
    #[error("GitHub refuses the visitor's new token (401): the visitor revoked it, or should try again")]
    VisitorTokenRejected,
    #[error("the App's JWT could not be signed: {0}")]
    Signing(#[from] SignerError),
    #[error("the task that checks the visitor ended early: the runtime is shutting down, or this is a bug")]
    TaskEnded,
}

/// A setting of an account, or a decision of GitHub's, because of which GitHub denies access.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    #[error("the organization requires single sign-on")]
    SsoRequired {
        /// GitHub's page to sign in, on the App's web host.
        url: Option<String>,
    },
    #[error("the account's IP allow list does not contain this machine's address")]
    IpBlocked,
    #[error("GitHub suspended the account")]
    AccountSuspended,
    #[error("GitHub blocks access for legal reasons")]
    LegalBlock,
    #[error("for a reason that this version does not know")]
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
            | Self::OauthClientRejected { .. } => PortErrorKind::Rejected,
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
        PortError::new(PortName::GithubGateway, self.kind(), self).about(credential)
    }

    /// Removes a page to sign in that is not on the App's web host, since visitors are shown the link.
    pub(crate) fn with_sso_page_on(mut self, host: &GithubHost) -> Self {
        if let Self::Denied { denial: Denial::SsoRequired { url }, .. } = &mut self {
            url.take_if(|url| !host.has_page(url));
        }
        self
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

/// Returns the cause of a denied installation, or the error if it has another cause. Logs GitHub's words, which are for
/// operators only.
pub(crate) fn denied(installation: InstallationId, error: GithubError) -> Result<DenialCause, GithubError> {
    let Some(cause) = error.denial_cause() else { return Err(error) };
    tracing::warn!(%installation, cause = cause.as_str(), %error, "GitHub denies the App an installation");
    Ok(cause)
}
