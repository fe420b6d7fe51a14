/// Why an [`HttpSender`](crate::HttpSender) cannot be built: the invalid setting and the remedy. Never quotes a setting,
/// which may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The endpoint is not an absolute URL of http or https.
    #[error(
        "the endpoint is not an https URL without user, password and fragment: write it as \
         https://app.example.com/webhooks/github"
    )]
    Endpoint,
    /// The endpoint would receive payloads unencrypted.
    #[error("the endpoint is plain http: use https (http is for localhost and loopback addresses only)")]
    PlainHttp,
    /// A secret does not begin with `whsec_`.
    #[error("the signing secret does not begin with whsec_: generate one with {GENERATE}")]
    SecretPrefix,
    /// The rest of a secret is not base64.
    #[error("the signing secret is not base64 after whsec_: generate one with {GENERATE}")]
    SecretEncoding,
    /// A secret is too short, too long, or repeats one byte.
    #[error("the signing secret does not have 24 to 64 random bytes: generate one with {GENERATE}")]
    SecretLength,
    /// There is no secret, more than two, or the same one twice.
    #[error("there are neither one nor two different signing secrets: set one, or two while you change it")]
    SecretCount,
    /// The machine's certificate authorities cannot be loaded.
    #[error(
        "the machine's certificate authorities cannot be loaded ({0}): install the package ca-certificates, or name a \
         bundle in SSL_CERT_FILE"
    )]
    TrustStore(String),
    /// The HTTPS client cannot be built.
    #[error("the HTTPS client cannot be built ({0}): this is a bug of dockline-forward")]
    Client(String),
}

/// The command that prints a secret.
const GENERATE: &str = "echo whsec_$(openssl rand -base64 32)";

/// No connection to the endpoint: the cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreachableEndpoint(pub(crate) String);
