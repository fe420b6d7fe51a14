use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::{InstallationId, RepositoryName};

/// The user name that git sends with an installation token.
const GIT_USER: &str = "x-access-token";

/// The parts of an [`InstallationToken`], for gateways.
#[derive(Debug)]
pub struct NewToken {
    /// The installation.
    pub installation: InstallationId,
    /// The token as GitHub returned it. Its format is not documented and changes, so it is never parsed.
    pub secret: SecretString,
    /// The time of issue, by the gateway's clock.
    pub issued_at: OffsetDateTime,
    /// The time from which GitHub rejects the token.
    pub expires_at: OffsetDateTime,
    /// The origin of GitHub's pages and git server, such as `https://github.com`, without a trailing slash.
    pub web_origin: String,
}

/// A short-lived token of an installation. `Debug` does not show the secret, and no store gets it. A clone is the same
/// token.
#[derive(Clone)]
pub struct InstallationToken(Arc<NewToken>);

/// The text is not `owner/name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the full name of a repository is owner/name")]
pub struct InvalidFullName;

impl InstallationToken {
    /// Assembles a token that GitHub issued.
    #[must_use]
    pub fn new(token: NewToken) -> Self {
        Self(Arc::new(token))
    }

    /// Returns the token in clear text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.secret.expose_secret()
    }

    /// Returns the installation.
    #[must_use]
    pub fn installation(&self) -> InstallationId {
        self.0.installation
    }

    /// Returns the time of issue.
    #[must_use]
    pub fn issued_at(&self) -> OffsetDateTime {
        self.0.issued_at
    }

    /// Returns the time from which GitHub rejects the token.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.0.expires_at
    }

    /// Returns the value of the `Authorization` header for GitHub's API.
    #[must_use]
    pub fn authorization(&self) -> SecretString {
        format!("Bearer {}", self.expose()).into()
    }

    /// Returns the value of the `Authorization` header for git over HTTPS, as in
    /// `git -c http.extraHeader="Authorization: …"`. Unlike [`InstallationToken::clone_url`], it leaves no token in the
    /// clone's configuration.
    #[must_use]
    pub fn git_authorization(&self) -> SecretString {
        let pair = SecretString::from(format!("{GIT_USER}:{}", self.expose()));
        format!("Basic {}", BASE64.encode(pair.expose_secret().as_bytes())).into()
    }

    /// Returns a URL with the token from which git clones `full_name` (`owner/name`). Git writes the URL into the clone's
    /// configuration: replace the remote's URL afterwards, or use [`InstallationToken::git_authorization`].
    ///
    /// # Errors
    /// [`InvalidFullName`] if the text is not `owner/name`.
    pub fn clone_url(&self, full_name: &str) -> Result<SecretString, InvalidFullName> {
        let (owner, name) = full_name.split_once('/').ok_or(InvalidFullName)?;
        let well_formed = [owner, name].into_iter().all(|part| RepositoryName::new(part).is_ok());
        let (scheme, host) = self.0.web_origin.split_once("://").ok_or(InvalidFullName)?;
        if !well_formed {
            return Err(InvalidFullName);
        }
        let token = utf8_percent_encode(self.expose(), NON_ALPHANUMERIC);
        Ok(format!("{scheme}://{GIT_USER}:{token}@{host}/{full_name}.git").into())
    }
}

impl fmt::Debug for InstallationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallationToken")
            .field("installation", &self.0.installation)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: &str) -> InstallationToken {
        InstallationToken::new(NewToken {
            installation: InstallationId::new(7).unwrap(),
            secret: secret.into(),
            issued_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: OffsetDateTime::UNIX_EPOCH,
            web_origin: "https://github.com".into(),
        })
    }

    #[test]
    fn tokens_of_both_formats_are_passed_on_unchanged_and_never_printed_l_47() {
        let stateless = format!("ghs_12345_{}", "eyJ.a-b_c".repeat(56));
        for secret in ["ghs_16C7e42F292c6912E7710c838347Ae178B4a", &stateless] {
            let token = token(secret);
            assert_eq!(token.expose(), secret);
            assert_eq!(token.authorization().expose_secret(), format!("Bearer {secret}"));
            let basic = token.git_authorization();
            let pair =
                BASE64.decode(basic.expose_secret().strip_prefix("Basic ").unwrap().as_bytes()).unwrap();
            assert_eq!(pair, format!("x-access-token:{secret}").into_bytes());
            let url = token.clone_url("acme-coffee/beans").unwrap();
            let url =
                percent_encoding::percent_decode_str(url.expose_secret()).decode_utf8().unwrap().into_owned();
            assert_eq!(url, format!("https://x-access-token:{secret}@github.com/acme-coffee/beans.git"));
            assert!(!format!("{token:?}").contains("ghs_"));
        }
    }

    #[test]
    fn a_clone_url_is_refused_if_the_full_name_could_change_its_host() {
        for bad in
            ["", "acme", "acme/", "/beans", "acme/beans/x", "a@evil.example/x", "acme/..", "a b/c", "a/b?c"]
        {
            assert_eq!(token("ghs_x").clone_url(bad).err(), Some(InvalidFullName), "{bad:?}");
        }
    }
}
