//! The forms of an App's slug, client id and client secret.

use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

use crate::error::ConfigError;
use crate::http::redacted;

/// Returns whether a text has 1 to 100 bytes, all of them allowed.
pub(crate) fn fits(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(allowed)
}

/// Returns whether a text has the form of a slug.
pub(crate) fn is_slug(text: &str) -> bool {
    fits(text, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

/// Returns the client id without surrounding blanks.
pub(crate) fn client_id(text: &str) -> Result<String, ConfigError> {
    let id = text.trim();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if fits(id, allowed) { Ok(id.to_owned()) } else { Err(ConfigError::ClientId) }
}

/// Returns the client secret without surrounding blanks.
pub(crate) fn client_secret(secret: &SecretString) -> Result<SecretString, ConfigError> {
    let trimmed = secret.expose_secret().trim();
    let usable = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    if usable { Ok(SecretString::from(trimmed)) } else { Err(ConfigError::ClientSecret) }
}

/// The App's name in URLs: the configured one, until GitHub reports another because the App was renamed.
#[derive(Debug)]
pub(crate) struct Slug(RwLock<String>);

impl Slug {
    pub(crate) fn new(configured: String) -> Self {
        Self(RwLock::new(configured))
    }

    pub(crate) fn current(&self) -> String {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over the slug that GitHub reports for our App. One with other characters than slugs have is ignored.
    pub(crate) fn observe(&self, reported: &str) {
        if !is_slug(reported) || self.current() == reported {
            return;
        }
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if *current != reported {
            tracing::warn!(
                configured = %*current,
                reported = redacted(reported),
                "the App was renamed at GitHub: install links use the new slug; configure it"
            );
            reported.clone_into(&mut current);
        }
    }
}
