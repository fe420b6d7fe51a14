use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::ErrorCode;

/// Which port failed.
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
    /// [`crate::ports::RateLimiter`]
    RateLimiter,
    /// [`crate::ports::Entropy`]
    Entropy,
}

/// What kind of infrastructure trouble it is. Business outcomes are never here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortErrorKind {
    /// Not reachable, or did not answer in time. Handling: repeat the call later; nothing is half done.
    Unavailable,
    /// The far side limits us. Handling: repeat the call after this long, not earlier (invariant I19).
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The far side refuses our own credential. Handling: an operator must mend the configuration.
    Rejected,
    /// What is stored or was answered does not parse. Handling: repeating will rarely help; look at the source.
    Corrupt,
    /// Anything else. Handling: a bug; look at the source.
    Unexpected,
}

/// Infrastructure trouble behind a port: the only error that a port gives. A clone tells of the same trouble: several
/// callers may wait for one answer.
#[derive(Debug, Clone, thiserror::Error)]
pub struct PortError {
    kind: PortErrorKind,
    port: PortName,
    source: Arc<dyn Error + Send + Sync>,
}

impl PortError {
    /// Wraps an adapter's own error, which stays reachable as `source()` for logs. It must hold no secret.
    pub fn new(port: PortName, kind: PortErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, port, source: source.into().into() }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub const fn kind(&self) -> PortErrorKind {
        self.kind
    }

    /// Which port it came from.
    #[must_use]
    pub const fn port(&self) -> PortName {
        self.port
    }

    /// The code that a caller sees (`contract.md` §3, "GitHub trouble").
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match (self.port, self.kind) {
            (_, PortErrorKind::Rejected) => ErrorCode::Internal,
            (PortName::GithubGateway, _) => ErrorCode::PlatformError,
            (_, PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. }) => ErrorCode::Unavailable,
            (_, PortErrorKind::Corrupt | PortErrorKind::Unexpected) => ErrorCode::Internal,
        }
    }
}

/// The source of randomness is out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness is out of order")]
pub struct EntropyFailed;

impl From<EntropyFailed> for PortError {
    fn from(failed: EntropyFailed) -> Self {
        Self::new(PortName::Entropy, PortErrorKind::Unexpected, failed)
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self.port {
            PortName::KeyStore => "key store",
            PortName::StateStore => "state store",
            PortName::BindingRepo => "binding repository",
            PortName::GithubGateway => "GitHub gateway",
            PortName::RateLimiter => "rate limiter",
            PortName::Entropy => "source of randomness",
        };
        match self.kind {
            PortErrorKind::Unavailable => write!(f, "the {port} is unavailable"),
            PortErrorKind::RateLimited { retry_after } => {
                write!(f, "the {port} is limited for {} s", retry_after.as_secs())
            }
            PortErrorKind::Rejected => write!(f, "the {port} refuses our credential"),
            PortErrorKind::Corrupt => write!(f, "the {port} gave what does not parse"),
            PortErrorKind::Unexpected => write!(f, "the {port} failed unexpectedly"),
        }
    }
}

impl Serialize for PortError {
    /// The display text: the port and the kind of trouble, without the source.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            message: String,
        }
        Shown { message: self.to_string() }.serialize(serializer)
    }
}
