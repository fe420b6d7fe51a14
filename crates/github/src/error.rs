use crate::key::KeyProblem;

/// Why a [`GithubApp`](crate::GithubApp) cannot be built: what is wrong, and how to mend it (lesson L-44). Holds
/// nothing of what was given, since that may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The App id is not a number.
    #[error("the App id is not a number from 1 to 2^53-1: copy \"App ID\" from the App's settings page")]
    AppId,
    /// The slug has characters that no slug has.
    #[error(
        "the App's slug is not 1 to 100 characters of a-z 0-9 - _: copy the last part of the address of the App's \
         public page, .../apps/<slug>"
    )]
    Slug,
    /// The client id has characters that no client id has.
    #[error(
        "the client id is not 1 to 100 characters of A-Z a-z 0-9 . _ -: copy \"Client ID\" from the App's settings page"
    )]
    ClientId,
    /// The client secret is empty or has characters that no client secret has.
    #[error(
        "the client secret is empty or has spaces or characters that are not ASCII: generate one on the App's settings \
         page and copy it whole"
    )]
    ClientSecret,
    /// Not an API version that this crate speaks.
    #[error("the API version is neither 2022-11-28 nor 2026-03-10: choose one of the two")]
    ApiVersion,
    /// The private key is of no use.
    #[error("the App's private key {0}")]
    PrivateKey(#[from] KeyProblem),
    /// The host is of no use.
    #[error("the GitHub host {0}")]
    Host(#[from] HostProblem),
    /// The user agent's suffix cannot be sent.
    #[error("the user agent's suffix is not 1 to 100 printable ASCII characters: name your product in ASCII")]
    UserAgent,
    /// A timeout of nothing, or one that is no deadline any more.
    #[error(
        "a timeout is zero or more than ten minutes: give whole seconds, such as 3 to connect and 10 in all"
    )]
    Timeout,
    /// The machine's certificate authorities could not be loaded.
    #[error(
        "the machine's certificate authorities could not be loaded ({0}): install the package ca-certificates, or name a \
         bundle in SSL_CERT_FILE"
    )]
    TrustStore(String),
    /// The HTTP client could not be built.
    #[error("the HTTPS client could not be built ({0}): this is a bug of dockline-github")]
    Client(String),
}

/// What is wrong with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostProblem {
    /// It is not `HOST`, `HOST:PORT` or a URL of such.
    #[error(
        "is not a host name or an https URL without path, user, query and fragment: write it as in github.example.com"
    )]
    Malformed,
    /// It is the API's host instead of the one that people see.
    #[error(
        "is the API's: give the one that people visit, such as github.com, acme.ghe.com or github.example.com"
    )]
    IsTheApi,
    /// It is one address on this machine, where there must be two.
    #[error(
        "is a simulator's: give both its addresses with a comma between, that of its pages and that of its API"
    )]
    HalfAPair,
    /// Secrets would go over the wire in clear.
    #[error("is plain http: use https (http is for a simulator on localhost or a loopback address only)")]
    PlainHttp,
}
