use std::fmt;

/// The command that prints a secret.
const GENERATE: &str = "generate one with echo whsec_$(openssl rand -base64 32)";

/// Why an [`HttpSender`](crate::HttpSender) cannot be built: the invalid setting and the remedy. Never quotes a setting,
/// which may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The endpoint is not an absolute URL of http or https.
    Endpoint,
    /// The endpoint would receive payloads unencrypted.
    PlainHttp,
    /// A secret does not begin with `whsec_`.
    SecretPrefix,
    /// The rest of a secret is not base64.
    SecretEncoding,
    /// A secret is too short, too long, or repeats one byte.
    SecretLength,
    /// There is no secret, more than two, or the same one twice.
    SecretCount,
    /// The machine's certificate authorities cannot be loaded.
    TrustStore(String),
    /// The HTTPS client cannot be built.
    Client(String),
}

impl ConfigError {
    /// Returns what is wrong.
    #[must_use]
    pub fn cause(&self) -> String {
        let cause = match self {
            Self::Endpoint => "the endpoint is not an https URL without user, password and fragment",
            Self::PlainHttp => "the endpoint is plain http",
            Self::SecretPrefix => "the signing secret does not begin with whsec_",
            Self::SecretEncoding => "the signing secret is not base64 after whsec_",
            Self::SecretLength => "the signing secret does not have 24 to 64 random bytes",
            Self::SecretCount => "there are neither one nor two different signing secrets",
            Self::TrustStore(error) => {
                return format!("the machine's certificate authorities cannot be loaded ({error})");
            }
            Self::Client(error) => return format!("the HTTPS client cannot be built ({error})"),
        };
        cause.to_owned()
    }

    /// Returns what to do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Endpoint => "write it as https://app.example.com/webhooks/github",
            Self::PlainHttp => "use https (http is for localhost and loopback addresses only)",
            Self::SecretPrefix | Self::SecretEncoding | Self::SecretLength => GENERATE,
            Self::SecretCount => "set one, or two while you change it",
            Self::TrustStore(_) => "install the package ca-certificates, or name a bundle in SSL_CERT_FILE",
            Self::Client(_) => "this is a bug of dockline-forward",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause(), self.help())
    }
}

impl std::error::Error for ConfigError {}

/// No connection to the endpoint: the cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreachableEndpoint(pub(crate) String);
