//! Generates secrets: the model defines their form, and the port provides the randomness.

use secrecy::{ExposeSecretMut, SecretBox};

use crate::error::EntropyFailed;
use crate::model::{ApiKey, BrowserSecret, CodeVerifier, KeyEnvironment, KeyId, State, Ticket};
use crate::ports::Entropy;

fn draw<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyFailed> {
    let mut bytes = [0_u8; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

macro_rules! random {
    ($($name:ident: $form:literal),*) => {$(
        impl $name {
            #[doc = concat!("Generates a secret of ", $form, " base64url characters.")]
            ///
            /// # Errors
            /// [`EntropyFailed`] if the source of randomness fails.
            pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyFailed> {
                draw(entropy).map(Self::from_random)
            }
        }
    )*};
}

random!(
    State: "24 random bytes, as 32",
    Ticket: "24 random bytes, as 32",
    BrowserSecret: "24 random bytes, as 32",
    CodeVerifier: "32 random bytes, as 43"
);

impl ApiKey {
    /// Generates a key with a random id of 80 bits and a secret of 32 random bytes.
    ///
    /// # Errors
    /// [`EntropyFailed`] if the source of randomness fails.
    pub fn mint(environment: KeyEnvironment, entropy: &dyn Entropy) -> Result<Self, EntropyFailed> {
        let id = KeyId::from_random(draw(entropy)?);
        let mut secret = SecretBox::new(Box::new([0_u8; 32]));
        entropy.fill(secret.expose_secret_mut())?;
        Ok(Self::from_random(environment, id, secret))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::ports::SeededEntropy;

    #[test]
    fn a_generated_state_has_32_base64url_characters_and_differs_each_time() {
        let entropy = SeededEntropy::new(7);
        let first = State::mint(&entropy).unwrap();
        let second = State::mint(&entropy).unwrap();
        assert_eq!(first.expose().len(), 32);
        assert!(State::parse(first.expose()).is_ok());
        assert_ne!(first.digest(), second.digest());
    }

    #[test]
    fn a_generated_key_parses_and_its_debug_shows_no_secret() {
        let key = ApiKey::mint(KeyEnvironment::Test, &SeededEntropy::new(1)).unwrap();
        let text = key.expose();
        let again = ApiKey::parse(text.expose_secret()).unwrap();
        assert_eq!(again.secret_hash(), key.secret_hash());
        assert_eq!(key.id().as_str().len(), 16);
        let secret = text.expose_secret().splitn(4, '_').nth(3).unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&secret));
    }
}
