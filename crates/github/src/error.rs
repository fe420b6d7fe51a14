use crate::auth::KeyProblem;

/// Why a [`GithubApp`](crate::GithubApp) cannot be built: the invalid setting and the remedy. Never quotes a setting, which
/// may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The App id is not a number from 1 to 2^53-1.
    #[error("the App id is not a number from 1 to 2^53-1: copy \"App ID\" from the App's settings page")]
    AppId,
    /// The slug has characters that a slug cannot have.
    #[error(
        "the App's slug is not 1 to 100 characters of a-z 0-9 - _: copy the last part of the address of the App's \
         public page, .../apps/<slug>"
    )]
    Slug,
    /// The client id has characters that a client id cannot have.
    #[error(
        "the client id is not 1 to 100 characters of A-Z a-z 0-9 . _ -: copy \"Client ID\" from the App's settings page"
    )]
    ClientId,
    /// The client secret is empty or has characters that a client secret cannot have.
    #[error(
        "the client secret is empty or has spaces or characters that are not ASCII: generate one on the App's settings \
         page and copy it whole"
    )]
    ClientSecret,
    /// The API version is not one of [`ApiVersion`](crate::ApiVersion).
    #[error("the API version is neither 2022-11-28 nor 2026-03-10: choose one of the two")]
    ApiVersion,
    /// The private key cannot be used.
    #[error("the App's private key {0}")]
    PrivateKey(#[from] KeyProblem),
    /// The host cannot be used.
    #[error("the GitHub host {0}")]
    Host(#[from] HostProblem),
    /// The proxy cannot be used.
    #[error(
        "the proxy is not an http or https URL without path, query and fragment: write it as \
         http://[USER:PASSWORD@]HOST[:PORT], and percent-encode special characters of user and password"
    )]
    Proxy,
    /// The user agent's suffix cannot be sent.
    #[error("the user agent's suffix is not 1 to 100 printable ASCII characters: name your product in ASCII")]
    UserAgent,
    /// A timeout is zero or longer than ten minutes.
    #[error(
        "a timeout is zero or more than ten minutes: use a few seconds, such as 3 to connect and 10 in all"
    )]
    Timeout,
    /// The machine's certificate authorities cannot be loaded.
    #[error(
        "the machine's certificate authorities cannot be loaded ({0}): install the package ca-certificates, or name a \
         bundle in SSL_CERT_FILE"
    )]
    TrustStore(String),
    /// The HTTPS client cannot be built.
    #[error("the HTTPS client cannot be built ({0}): this is a bug of dockline-github")]
    Client(String),
}

/// Why a host cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostProblem {
    /// The text is not `HOST`, `HOST:PORT` or an https URL of one.
    #[error(
        "is not a host name or an https URL without path, user, query and fragment: write it as in github.example.com"
    )]
    Malformed,
    /// The host is that of the API.
    #[error(
        "is the API's: give the one that people visit, such as github.com, acme.ghe.com or github.example.com"
    )]
    IsTheApi,
    /// One plain http address where a pair is needed.
    #[error("is a simulator's: give the addresses of its pages and of its API, separated by a comma")]
    HalfAPair,
    /// The host would receive secrets unencrypted.
    #[error("is plain http: use https (http is for a simulator on localhost or a loopback address only)")]
    PlainHttp,
}
