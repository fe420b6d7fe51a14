//! The texts of errors, for operators.

use std::error::Error;
use std::fmt;

use super::github::{Denial, GithubError};

/// Appends GitHub's words, if there are any.
fn says(what: String, message: &str) -> String {
    if message.is_empty() { what } else { format!("{what}, and says {message:?}") }
}

impl GithubError {
    /// Returns what is wrong.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::Unreachable { detail } => format!("GitHub cannot be reached ({detail})"),
            Self::TimedOut => "GitHub did not answer in time".to_owned(),
            Self::Server { status, message } => {
                says(format!("GitHub returned {status}, a failure on its side"), message)
            }
            Self::RateLimited { wait, message } => {
                let limits = format!("GitHub limits the rate of this credential for {} s", wait.as_secs());
                says(limits, message)
            }
            Self::Paused { wait } => {
                let wait = wait.as_secs();
                format!("GitHub asked for a pause of this credential, which ends in {wait} s")
            }
            Self::CredentialRejected { message, .. } => {
                says("GitHub refuses the App's credential (401)".to_owned(), message)
            }
            Self::ClockSkew { seconds, behind, message } => {
                let direction = if *behind { "behind" } else { "ahead of" };
                let skew = format!(
                    "our clock is {seconds} s {direction} GitHub's, which refuses the App's credential (401) even with \
                     corrected dates"
                );
                says(skew, message)
            }
            Self::UnknownApp => "GitHub knows no App with this id or client id (404)".to_owned(),
            Self::OtherApp { configured, reported } => {
                format!(
                    "the private key belongs to App {reported}, but the configured App id is {configured}"
                )
            }
            Self::Suspended => "the installation is suspended (403)".to_owned(),
            Self::Denied { status, denial, message } => {
                says(format!("GitHub denies access ({status}) {}", denial.reason()), message)
            }
            Self::PermissionMissing { needed, message } => {
                let needed = needed.as_deref().map(|needed| format!(" ({needed})")).unwrap_or_default();
                let missing = format!(
                    "GitHub denies access (403) because the App lacks a permission{needed}, or the account has not \
                     accepted it yet"
                );
                says(missing, message)
            }
            Self::NotFound { .. } => {
                "GitHub returned 404, for an object that does not exist or is not visible to the App"
                    .to_owned()
            }
            Self::Redirect { status } => {
                format!("GitHub returned a redirect ({status}), which is never followed")
            }
            Self::UnsupportedApiVersion { message } => {
                says("GitHub does not support the API version (400)".to_owned(), message)
            }
            Self::Unprocessable { message } => {
                says("GitHub refuses the request as invalid (422)".to_owned(), message)
            }
            Self::UnexpectedStatus { status, message } => {
                says(format!("GitHub returned {status}, which is unexpected here"), message)
            }
            Self::InvalidResponse { detail } => format!("the response is not one of GitHub's ({detail})"),
            Self::TooLarge { max_body } => {
                format!("the response is larger than {} MiB, the limit for this call", max_body >> 20)
            }
            Self::NoOauthClient => "a visitor's code cannot be exchanged without an OAuth client".to_owned(),
            Self::OauthClientRejected { error } => format!("GitHub refuses the OAuth client ({error})"),
            Self::ExchangeRejected { error } => {
                format!("GitHub refused to exchange the code with an error unknown to this version ({error})")
            }
            Self::ManifestCodeRejected => {
                "GitHub refuses the code of the new App, which is valid once and for an hour".to_owned()
            }
            Self::VisitorTokenRejected => "GitHub refuses the visitor's new token (401)".to_owned(),
            Self::Signing(error) => format!("the App's JWT could not be signed; {error}"),
            Self::TaskEnded => "the task that checks the visitor ended early".to_owned(),
        }
    }

    /// Returns what to do about it.
    pub(crate) const fn help(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "check network, DNS, proxy and firewalls between here and GitHub",
            Self::TimedOut => "check GitHub's status page and the network",
            Self::Server { .. } => "check GitHub's status page",
            Self::RateLimited { .. } | Self::Paused { .. } => "wait until then; no call is sent before",
            Self::CredentialRejected { .. } => {
                "check that private key, issuer (client id or App id) and host belong together, and that the key is still \
                 listed on the App's settings page"
            }
            Self::ClockSkew { .. } => "set the clock, and check that the host is GitHub",
            Self::UnknownApp => "check App id, issuer and host",
            Self::OtherApp { .. } => "configure key and id of one App",
            Self::Suspended => "ask the installation's owner to unsuspend it",
            Self::Denied { denial, .. } => denial.help(),
            Self::PermissionMissing { .. } => {
                "add the permission in the App's settings, and ask the account's owner to accept it"
            }
            Self::NotFound { .. } => "check that the App is installed there and may see it",
            Self::Redirect { .. } | Self::InvalidResponse { .. } => {
                "check the host, and look for a proxy in between"
            }
            Self::UnsupportedApiVersion { .. } => "configure another version",
            Self::Unprocessable { .. } | Self::UnexpectedStatus { .. } | Self::ExchangeRejected { .. } => {
                "if GitHub's documentation does not explain it, report it as a bug"
            }
            Self::TooLarge { .. } => "check the host",
            Self::NoOauthClient => "configure client id and client secret",
            Self::OauthClientRejected { .. } => "check client id, client secret, callback URL and host",
            Self::ManifestCodeRejected => {
                "if the App exists at GitHub, generate its secrets on its settings page, or delete it and create it again"
            }
            Self::VisitorTokenRejected => "ask the visitor to try again",
            Self::Signing(_) => "check the signer and its key",
            Self::TaskEnded => "if the process is not shutting down, report it as a bug",
        }
    }
}

impl Denial {
    /// Returns the reason, as the end of a sentence about a denied access.
    const fn reason(&self) -> &'static str {
        match self {
            Self::SsoRequired { .. } => "because the organization requires single sign-on",
            Self::IpBlocked => "because the account's IP allow list does not contain this machine's address",
            Self::AccountSuspended => "because it suspended the account",
            Self::LegalBlock => "for legal reasons",
            Self::Other => "for a reason that this version does not know",
        }
    }

    const fn help(&self) -> &'static str {
        match self {
            Self::SsoRequired { .. } => "sign in to the organization, and try again",
            Self::IpBlocked => "ask the account's owner to add this machine's address to the list",
            Self::AccountSuspended | Self::LegalBlock => "ask the account's owner to contact GitHub",
            Self::Other => "if GitHub's documentation does not explain it, report it as a bug",
        }
    }
}

impl fmt::Display for GithubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause(), self.help())
    }
}

impl Error for GithubError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if let Self::Signing(error) = self { Some(error) } else { None }
    }
}
