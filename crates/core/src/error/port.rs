use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::ErrorCode;
use crate::model::spelled;

/// The port that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortName {
    /// [`crate::ports::KeyStore`]
    KeyStore,
    /// [`crate::ports::StateStore`]
    StateStore,
    /// [`crate::ports::BindingRepo`]
    BindingRepo,
    /// [`crate::ports::GithubGateway`]
    GithubGateway,
    /// [`crate::ports::Directory`]
    Directory,
    /// [`crate::ports::RateLimiter`]
    RateLimiter,
    /// [`crate::ports::Entropy`]
    Entropy,
    /// [`crate::ports::RedeliveryStore`]
    RedeliveryStore,
    /// [`crate::ports::DeliverySink`]
    DeliverySink,
    /// [`crate::ports::DeliveryStore`]
    DeliveryStore,
    /// [`crate::ports::Outbox`]
    Outbox,
    /// [`crate::ports::Admission`]
    Admission,
}

/// The kind of an infrastructure failure. Business outcomes are never errors of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortErrorKind {
    /// The service is unreachable or did not respond in time. Handling: retry later; the call had its whole effect or none.
    Unavailable,
    /// The service limits our requests. Handling: retry after this time, not earlier.
    RateLimited {
        /// The time to wait.
        retry_after: Duration,
    },
    /// Too many calls wait already, so the adapter did not make this one. Handling: retry later.
    Overloaded,
    /// The service rejects our own credential. Handling: an operator corrects the configuration.
    Rejected,
    /// Stored or received data is malformed. Handling: look at the source of the error; a retry rarely helps.
    Corrupt,
    /// Any other failure, such as a bug. Handling: look at the source of the error.
    Unexpected,
}

spelled! {
    /// The credential that a call to GitHub used. A fault concerns only this credential.
    pub enum GithubCredential("GitHub credential") {
        /// The App's JWT.
        App = "app",
        /// The App's OAuth client.
        OauthClient = "oauth_client",
        /// A token of one installation.
        Installation = "installation",
        /// The token of one visitor.
        Visitor = "visitor",
    }
}

/// An infrastructure failure behind a port: the only error that ports return. It can be cloned, since several callers may
/// await one result.
#[derive(Debug, Clone)]
pub struct PortError {
    kind: PortErrorKind,
    port: PortName,
    credential: Option<GithubCredential>,
    source: Arc<dyn Error + Send + Sync>,
}

impl PortError {
    /// Wraps an adapter's own error, which `source()` returns. The error must contain no secret.
    pub fn new(port: PortName, kind: PortErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, port, credential: None, source: source.into().into() }
    }

    /// Sets the credential of the failed call to GitHub.
    #[must_use]
    pub fn about(self, credential: GithubCredential) -> Self {
        Self { credential: Some(credential), ..self }
    }

    /// Returns the credential of the failed call to GitHub; `None` for other ports, and if no credential was at fault.
    #[must_use]
    pub const fn credential(&self) -> Option<GithubCredential> {
        self.credential
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub const fn kind(&self) -> PortErrorKind {
        self.kind
    }

    /// Returns the port that failed.
    #[must_use]
    pub const fn port(&self) -> PortName {
        self.port
    }

    /// Returns the texts of all sources, from the adapter's error to the root, for a log field. A text that an earlier one
    /// contains is left out.
    #[must_use]
    pub fn causes(&self) -> String {
        let mut causes = self.source.to_string();
        for source in std::iter::successors(self.source.source(), |&source| source.source()) {
            let source = source.to_string();
            if !causes.contains(&source) {
                causes.push_str(": ");
                causes.push_str(&source);
            }
        }
        causes
    }

    /// Returns the code for a response.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match (self.port, self.kind) {
            (_, PortErrorKind::Rejected) => ErrorCode::Internal,
            (PortName::GithubGateway, _) => ErrorCode::PlatformError,
            (
                _,
                PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. } | PortErrorKind::Overloaded,
            ) => ErrorCode::Unavailable,
            (_, PortErrorKind::Corrupt | PortErrorKind::Unexpected) => ErrorCode::Internal,
        }
    }
}

/// The source of randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct EntropyFailed;

impl From<EntropyFailed> for PortError {
    fn from(failed: EntropyFailed) -> Self {
        Self::new(PortName::Entropy, PortErrorKind::Unexpected, failed)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The error itself, not its `Arc`, so that a host can downcast it.
        Some(&*self.source)
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self.port {
            PortName::KeyStore => "key store",
            PortName::StateStore => "state store",
            PortName::BindingRepo => "binding repository",
            PortName::GithubGateway => "GitHub gateway",
            PortName::Directory => "directory",
            PortName::RateLimiter => "rate limiter",
            PortName::Entropy => "source of randomness",
            PortName::RedeliveryStore => "redelivery store",
            PortName::DeliverySink => "delivery sink",
            PortName::DeliveryStore => "delivery store",
            PortName::Outbox => "outbox",
            PortName::Admission => "admission",
        };
        match self.kind {
            PortErrorKind::Unavailable => write!(f, "the {port} is unavailable"),
            PortErrorKind::RateLimited { retry_after } => {
                write!(f, "the {port} limits our requests for {} s", retry_after.as_secs())
            }
            PortErrorKind::Overloaded => write!(f, "too many calls wait for the {port}"),
            PortErrorKind::Rejected => write!(f, "the {port} rejects our credential"),
            PortErrorKind::Corrupt => write!(f, "the {port} returned malformed data"),
            PortErrorKind::Unexpected => write!(f, "the {port} failed unexpectedly"),
        }?;
        match self.credential {
            None => Ok(()),
            Some(GithubCredential::App) => f.write_str(" (the App's credential)"),
            Some(GithubCredential::OauthClient) => f.write_str(" (the OAuth client's credential)"),
            Some(GithubCredential::Installation) => f.write_str(" (the installation's token)"),
            Some(GithubCredential::Visitor) => f.write_str(" (the visitor's token)"),
        }
    }
}

impl Serialize for PortError {
    /// Serializes the display text as `message`: the port and the kind of the failure, without the source.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            message: String,
        }
        Shown { message: self.to_string() }.serialize(serializer)
    }
}
