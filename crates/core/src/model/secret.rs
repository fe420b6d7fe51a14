//! Secrets that pass through Dockline. None of them is `Display`, `Serialize` or comparable; `Debug` is redacted;
//! stores see digests only (invariant I14).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret: what a store keeps instead of it, and looks it up by. Whether a presented secret is the
/// right one is decided by [`SecretDigest::matches`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretDigest([u8; 32]);

/// The digest under which a [`State`] is stored and by which a binding names the state that it spent.
pub type StateDigest = SecretDigest;

impl SecretDigest {
    /// The digest of `secret`'s bytes.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A digest read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The 32 bytes, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretDigest {
    /// The first four bytes: enough to correlate log lines, useless to whoever reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "sha256:{a:02x}{b:02x}{c:02x}{d:02x}…")
    }
}

/// The text cannot be a `state`: it is not 1–256 characters of `A–Z a–z 0–9 - . _ ~` (`contract.md` §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a state has 1 to 256 characters of A-Z a-z 0-9 - . _ ~")]
pub struct InvalidState;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// The secret in clear: for the wire only, never for a log, an error or a store.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// What a store keeps instead of the secret.
            #[must_use]
            pub fn digest(&self) -> SecretDigest {
                SecretDigest::of(self.expose().as_bytes())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

macro_rules! random_secret {
    ($($name:ident),*) => {$(
        impl $name {
            /// 24 random bytes as 32 base64url characters.
            pub(crate) fn from_random(bytes: [u8; 24]) -> Self {
                Self(BASE64URL_NOPAD.encode(&bytes).into())
            }
        }
    )*};
}

macro_rules! opaque_secret {
    ($($name:ident),*) => {$(
        impl $name {
            /// Takes what came over the wire, as it is: it is only ever compared by digest.
            #[must_use]
            pub fn presented(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }
        }
    )*};
}

secret_text! {
    /// The CSRF value that travels from the install URL through GitHub back to the product.
    State
}

secret_text! {
    /// The one-time ticket of a confirmation page's question (`design.md` §3).
    Ticket
}

secret_text! {
    /// What ties a confirmation to the browser that was asked: the value of a `__Host-` cookie.
    BrowserSecret
}

secret_text! {
    /// The OAuth `code` that GitHub put on the redirect to the callback; good once.
    AuthorizationCode
}

random_secret!(State, Ticket, BrowserSecret);
opaque_secret!(Ticket, BrowserSecret, AuthorizationCode);

impl State {
    /// The fewest characters of a state that a caller makes itself: less could be guessed (`contract.md` §3, L-04).
    pub const LEAST_OWN_LENGTH: usize = 16;
    /// The most characters of any state (`contract.md` §3).
    pub const LONGEST: usize = 256;

    /// Parses a state: 1–256 characters of `A–Z a–z 0–9 - . _ ~` (`contract.md` §3).
    ///
    /// # Errors
    /// [`InvalidState`] for anything else.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidState> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidState)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_one_to_256_unreserved_characters() {
        for good in ["a", "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK", "-._~", &"x".repeat(256)] {
            assert!(State::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a/b", "ä", "a\n", "a\0", "%41", &"x".repeat(257)] {
            assert_eq!(State::parse(bad).err(), Some(InvalidState), "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let canary = "canary-canary-canary";
        let printed = format!(
            "{:?} {:?} {:?} {:?}",
            State::parse(canary).unwrap(),
            Ticket::presented(canary),
            BrowserSecret::presented(canary),
            AuthorizationCode::presented(canary)
        );
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("State([redacted])"), "{printed}");
    }
}
