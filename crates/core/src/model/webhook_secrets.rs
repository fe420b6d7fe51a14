use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A webhook secret that would switch the check off in all but name (L-26). Handling: make one with
/// `openssl rand -hex 32` and set it at GitHub, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a webhook secret has at least 16 bytes and not all of them alike; make one with: openssl rand -hex 32"
)]
pub struct WeakWebhookSecret;

/// The secrets with which GitHub may sign its deliveries: one, or two for as long as it is being changed.
pub struct WebhookSecrets(Vec<SecretString>);

impl WebhookSecrets {
    /// The fewest bytes of a secret.
    pub const SHORTEST: usize = 16;

    /// Takes the secrets that are in force. None at all is none that fits: every delivery is then refused.
    ///
    /// # Errors
    /// [`WeakWebhookSecret`] where one is short, or one byte over and over.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Result<Self, WeakWebhookSecret> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        let strong = |secret: &SecretString| {
            let bytes = secret.expose_secret().as_bytes();
            bytes.len() >= Self::SHORTEST && bytes.windows(2).any(|pair| matches!(pair, [a, b] if a != b))
        };
        if secrets.iter().all(strong) { Ok(Self(secrets)) } else { Err(WeakWebhookSecret) }
    }

    /// No secret: every delivery is refused.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Each secret's bytes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.expose_secret().as_bytes())
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}
