use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The webhook secret can be guessed. Handling: generate one with `openssl rand -hex 32` and set it at GitHub, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a webhook secret has at least 16 bytes that are not all equal; generate one with: openssl rand -hex 32"
)]
pub struct WeakWebhookSecret;

/// The active webhook secrets: one, or two while the secret is being rotated.
pub struct WebhookSecrets(Vec<SecretString>);

impl WebhookSecrets {
    /// The minimum number of bytes of a secret.
    pub const SHORTEST: usize = 16;

    /// Creates the set of active secrets. With none, every delivery is rejected.
    ///
    /// # Errors
    /// [`WeakWebhookSecret`] if a secret is too short or repeats one byte.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Result<Self, WeakWebhookSecret> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        let strong = |secret: &SecretString| {
            let bytes = secret.expose_secret().as_bytes();
            bytes.len() >= Self::SHORTEST && bytes.windows(2).any(|pair| matches!(pair, [a, b] if a != b))
        };
        if secrets.iter().all(strong) { Ok(Self(secrets)) } else { Err(WeakWebhookSecret) }
    }

    /// Returns the empty set, with which every delivery is rejected.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the bytes of each secret.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.expose_secret().as_bytes())
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}
