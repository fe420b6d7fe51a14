//! Secrets that pass through Dockline. They are not `Display`, `Serialize` or comparable, their `Debug` is redacted, and
//! stores get digests only.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use secrecy::{ExposeSecret, SecretString};

use crate::model::SecretDigest;

/// The digest of a [`State`].
pub type StateDigest = SecretDigest;

/// The text is not a state of 1–256 characters of `A–Z a–z 0–9 - . _ ~`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a state has 1 to 256 characters of A-Z a-z 0-9 - . _ ~")]
pub struct InvalidState;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Returns the secret in clear text. Send it; never log or store it.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Returns the digest that a store keeps.
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
            /// Encodes 24 random bytes as 32 base64url characters.
            pub(crate) fn from_random(bytes: [u8; 24]) -> Self {
                Self(BASE64URL_NOPAD.encode(&bytes).into())
            }
        }
    )*};
}

macro_rules! opaque_secret {
    ($($name:ident),*) => {$(
        impl $name {
            /// Wraps a received secret. Any text is accepted, since it is only compared by digest or sent to GitHub.
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
    /// The one-time secret in the form of a confirmation page.
    Ticket
}

secret_text! {
    /// The value of a `__Host-` cookie, which proves that an answer comes from the browser that was asked.
    BrowserSecret
}

secret_text! {
    /// The OAuth `code` in the query of the callback. It can be exchanged once.
    AuthorizationCode
}

secret_text! {
    /// The PKCE code verifier (RFC 7636) of a visit to GitHub's web flow: only the browser that started the flow has it.
    CodeVerifier
}

random_secret!(State, Ticket, BrowserSecret);
opaque_secret!(Ticket, BrowserSecret, AuthorizationCode, CodeVerifier);

impl CodeVerifier {
    /// Encodes 32 random bytes as 43 base64url characters, the least that PKCE accepts.
    pub(crate) fn from_random(bytes: [u8; 32]) -> Self {
        Self(BASE64URL_NOPAD.encode(&bytes).into())
    }

    /// Returns the `code_challenge` of the method `S256`.
    #[must_use]
    pub fn challenge(&self) -> String {
        BASE64URL_NOPAD.encode(self.digest().as_bytes())
    }
}

/// The text is not a code of 1–256 characters of `A–Z a–z 0–9 . _ -`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has 1 to 256 characters of A-Z a-z 0-9 . _ -")]
pub struct InvalidCode;

impl AuthorizationCode {
    /// The maximum number of characters of a code.
    pub const LONGEST: usize = 256;

    /// Accepts 1–256 characters of `A–Z a–z 0–9 . _ -`. GitHub's codes are shorter and hexadecimal; other texts are not worth
    /// a request.
    ///
    /// # Errors
    /// [`InvalidCode`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidCode> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self::presented(text))
        } else {
            Err(InvalidCode)
        }
    }
}

impl Ticket {
    /// Returns the name of the cookie of the question, of which several may be open in one browser: the prefix, a hyphen
    /// and the first 8 hexadecimal characters of the ticket's digest.
    #[must_use]
    pub fn cookie_name(&self, prefix: &str) -> String {
        let [a, b, c, d, ..] = *self.digest().as_bytes();
        format!("{prefix}-{}", HEXLOWER.encode(&[a, b, c, d]))
    }
}

impl State {
    /// The minimum number of characters of a state that a caller chooses. Shorter states could be guessed.
    pub const LEAST_OWN_LENGTH: usize = 16;
    /// The maximum number of characters of a state.
    pub const LONGEST: usize = 256;

    /// Accepts 1–256 characters of `A–Z a–z 0–9 - . _ ~`.
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
    fn a_state_has_1_to_256_unreserved_characters() {
        for good in ["a", "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK", "-._~", &"x".repeat(256)] {
            assert!(State::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a/b", "ä", "a\n", "a\0", "%41", &"x".repeat(257)] {
            assert_eq!(State::parse(bad).err(), Some(InvalidState), "{bad:?}");
        }
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = CodeVerifier::presented("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(CodeVerifier::from_random([7; 32]).expose().len(), 43);
    }

    #[test]
    fn a_code_has_1_to_256_characters_of_its_alphabet_c_14() {
        for good in ["0123456789abcdef", "A.b_C-9", &"x".repeat(256)] {
            assert!(AuthorizationCode::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a/b", "a~b", "a&b", "ä", "a\n", "a%41", &"x".repeat(257)] {
            assert_eq!(AuthorizationCode::parse(bad).err(), Some(InvalidCode), "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_is_named_by_the_tickets_digest_c_20() {
        // printf %s abc | sha256sum
        assert_eq!(Ticket::presented("abc").cookie_name("__Host-visit"), "__Host-visit-ba7816bf");
    }

    #[test]
    fn debug_shows_no_secret_i_14() {
        let canary = "canary-canary-canary";
        let printed = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            State::parse(canary).unwrap(),
            Ticket::presented(canary),
            BrowserSecret::presented(canary),
            AuthorizationCode::presented(canary),
            CodeVerifier::presented(canary)
        );
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("State([redacted])"), "{printed}");
    }
}
