use std::fmt;

use super::{HostProblem, KeyProblem};

/// Why a [`GithubApp`](crate::GithubApp) cannot be built: the invalid setting and the remedy. Never quotes a setting, which
/// may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The App id is not a number from 1 to 2^53-1.
    AppId,
    /// The slug has characters that a slug cannot have.
    Slug,
    /// The client id has characters that a client id cannot have.
    ClientId,
    /// The client secret is empty or has characters that a client secret cannot have.
    ClientSecret,
    /// The API version is not one of [`ApiVersion`](crate::ApiVersion).
    ApiVersion,
    /// The private key cannot be used.
    PrivateKey(KeyProblem),
    /// The host cannot be used.
    Host(HostProblem),
    /// The proxy cannot be used.
    Proxy,
    /// The user agent's suffix cannot be sent.
    UserAgent,
    /// A timeout is zero or longer than ten minutes.
    Timeout,
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
            Self::AppId => "the App id is not a number from 1 to 2^53-1",
            Self::Slug => "the App's slug is not 1 to 100 characters of a-z 0-9 - _",
            Self::ClientId => "the client id is not 1 to 100 characters of A-Z a-z 0-9 . _ -",
            Self::ClientSecret => "the client secret is empty or has spaces or characters that are not ASCII",
            Self::ApiVersion => "the API version is neither 2022-11-28 nor 2026-03-10",
            Self::PrivateKey(problem) => return format!("the App's private key {}", problem.cause()),
            Self::Host(problem) => return format!("the GitHub host {}", problem.cause()),
            Self::Proxy => "the proxy is not an http or https URL without path, query and fragment",
            Self::UserAgent => "the user agent's suffix is not 1 to 100 printable ASCII characters",
            Self::Timeout => "a timeout is zero or more than ten minutes",
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
            Self::AppId => "copy \"App ID\" from the App's settings page",
            Self::Slug => "copy the last part of the address of the App's public page, .../apps/<slug>",
            Self::ClientId => "copy \"Client ID\" from the App's settings page",
            Self::ClientSecret => "generate one on the App's settings page and copy it whole",
            Self::ApiVersion => "choose one of the two",
            Self::PrivateKey(problem) => problem.help(),
            Self::Host(problem) => problem.help(),
            Self::Proxy => {
                "write it as http://[USER:PASSWORD@]HOST[:PORT], and percent-encode special characters of user and \
                 password"
            }
            Self::UserAgent => "name your product in ASCII",
            Self::Timeout => "use a few seconds, such as 3 to connect and 10 in all",
            Self::TrustStore(_) => "install the package ca-certificates, or name a bundle in SSL_CERT_FILE",
            Self::Client(_) => "report this bug of dockline-github",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause(), self.help())
    }
}

impl std::error::Error for ConfigError {}

impl From<KeyProblem> for ConfigError {
    fn from(problem: KeyProblem) -> Self {
        Self::PrivateKey(problem)
    }
}

impl From<HostProblem> for ConfigError {
    fn from(problem: HostProblem) -> Self {
        Self::Host(problem)
    }
}
