use std::time::Duration;

use dockline::{AppId, PortError, PortErrorKind, PortName};
use time::OffsetDateTime;

use crate::signer::SignerError;

/// What went wrong with GitHub: the `source()` of every [`PortError`] of this crate, for the operator's log. Each text
/// names the cause and, where somebody can do something, the mend. None holds a secret: of GitHub's answers only the
/// cleaned `message` is kept (`excerpt.rs`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GithubFault {
    #[error("GitHub cannot be reached ({detail}): look at the network, DNS and firewalls on the way to it")]
    Unreachable { detail: String },
    #[error("GitHub did not answer in time")]
    TimedOut,
    #[error("GitHub answered {status}: it has trouble of its own; see its status page. It said: {message:?}")]
    Server { status: u16, message: String },
    #[error("GitHub limits us for {} s. It said: {message:?}", wait.as_secs())]
    Limited { wait: Duration, scope: Scope, message: String },
    #[error("GitHub asked for a pause, {} s of which are left: nothing was sent", wait.as_secs())]
    Paused { wait: Duration },
    #[error(
        "GitHub refuses the App's credential (401): look whether private key, issuer (client id or App id) and host belong \
         together, and whether the key was deleted on the App's settings page. It said: {message:?}"
    )]
    CredentialRefused { message: String, date: Option<OffsetDateTime> },
    #[error(
        "our clock is {seconds} s {} GitHub's, and GitHub refuses the App's credential (401) even with that taken into \
         account: set the clock, or correct what answers in GitHub's stead. It said: {message:?}",
        if *.behind { "behind" } else { "ahead of" }
    )]
    ClockSkew { seconds: u64, behind: bool, message: String },
    #[error(
        "GitHub knows no App of this number or client id (404): look at the App id, the issuer and the host"
    )]
    UnknownApp,
    #[error(
        "the private key belongs to the App {told}, but the App id given is {configured}: give what belongs together"
    )]
    AnotherApp { configured: AppId, told: u64 },
    #[error("the installation is suspended (403): its owner must unsuspend it")]
    Suspended,
    #[error(
        "GitHub denies it (403): the App lacks a permission{}, or the account has not accepted it yet. GitHub said: {message:?}",
        .needed.as_deref().map(|needed| format!(" ({needed})")).unwrap_or_default()
    )]
    NotGranted { needed: Option<String>, message: String },
    #[error("GitHub knows no such thing (404)")]
    NotFound { message: String },
    #[error(
        "GitHub answered a redirect ({status}), which is never followed: look at the host, and for a proxy on the way"
    )]
    Redirected { status: u16 },
    #[error(
        "GitHub does not speak the API version that was asked for (400): choose another. It said: {message:?}"
    )]
    ApiVersion { message: String },
    #[error("GitHub does not do what it was asked for (422). It said: {message:?}")]
    Unprocessable { message: String },
    #[error("GitHub answered {status}, for which there is no rule. It said: {message:?}")]
    Unforeseen { status: u16, message: String },
    #[error("the answer is not one of GitHub's ({what}): look at the host, and for a proxy on the way")]
    NotGithubs { what: String },
    #[error("the answer is larger than {} MiB, which none of GitHub's to such a call is", room >> 20)]
    TooLarge { room: usize },
    #[error(
        "a visitor came with a code, but no OAuth client is configured: give client id and client secret"
    )]
    NoOauthClient,
    #[error(
        "GitHub refuses the OAuth client ({error}): look at client id, client secret, callback URL and host"
    )]
    OauthClientRefused { error: String },
    #[error("GitHub refused to exchange the code ({error}), for which there is no rule")]
    ExchangeRefused { error: String },
    #[error("GitHub refuses the visitor's own fresh token (401): they revoked it, or must try again")]
    VisitorTokenRefused,
    #[error("the App's JWT could not be signed: {0}")]
    Signing(#[from] SignerError),
    #[error("the proof's task ended before its time: the runtime is shutting down, or there is a bug")]
    TaskEnded,
}

/// Whose budget a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The hourly budget of the credential that the call was made with.
    Credential,
    /// Anything else, such as too many calls at once: nobody is to call.
    Everyone,
}

impl GithubFault {
    pub(crate) const fn kind(&self) -> PortErrorKind {
        match self {
            Self::Unreachable { .. } | Self::TimedOut | Self::Server { .. } | Self::VisitorTokenRefused => {
                PortErrorKind::Unavailable
            }
            Self::Limited { wait, .. } | Self::Paused { wait } => {
                PortErrorKind::RateLimited { retry_after: *wait }
            }
            Self::CredentialRefused { .. }
            | Self::ClockSkew { .. }
            | Self::UnknownApp
            | Self::AnotherApp { .. }
            | Self::Suspended
            | Self::NotGranted { .. }
            | Self::NoOauthClient
            | Self::OauthClientRefused { .. } => PortErrorKind::Rejected,
            Self::Signing(error) => error.kind(),
            Self::Redirected { .. } | Self::NotGithubs { .. } | Self::TooLarge { .. } => {
                PortErrorKind::Corrupt
            }
            Self::NotFound { .. }
            | Self::ApiVersion { .. }
            | Self::Unprocessable { .. }
            | Self::Unforeseen { .. }
            | Self::ExchangeRefused { .. }
            | Self::TaskEnded => PortErrorKind::Unexpected,
        }
    }

    /// For an answer that parses as JSON at most.
    pub(crate) fn not_githubs(what: impl Into<String>) -> Self {
        Self::NotGithubs { what: what.into() }
    }
}

impl From<GithubFault> for PortError {
    fn from(fault: GithubFault) -> Self {
        Self::new(PortName::GithubGateway, fault.kind(), fault)
    }
}
