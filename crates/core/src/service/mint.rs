//! Fresh secrets: the model says what they look like, the port gives the randomness.

use secrecy::{ExposeSecretMut, SecretBox};

use crate::error::EntropyFailed;
use crate::model::{ApiKey, BrowserSecret, KeyEnvironment, KeyId, State, Ticket};
use crate::ports::Entropy;

fn draw<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyFailed> {
    let mut bytes = [0_u8; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

macro_rules! minted {
    ($($name:ident),*) => {$(
        impl $name {
            /// 24 random bytes as 32 base64url characters.
            ///
            /// # Errors
            /// [`EntropyFailed`] where the source of randomness is out of order.
            pub fn mint(entropy: &dyn Entropy) -> Result<Self, EntropyFailed> {
                draw(entropy).map(Self::from_random)
            }
        }
    )*};
}

minted!(State, Ticket, BrowserSecret);

impl ApiKey {
    /// Makes a new key with a fresh id (80 random bits) and 32 random bytes.
    ///
    /// # Errors
    /// [`EntropyFailed`] where the source of randomness is out of order.
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
    fn a_minted_state_is_32_base64url_characters_and_differs_each_time() {
        let entropy = SeededEntropy::new(7);
        let first = State::mint(&entropy).unwrap();
        let second = State::mint(&entropy).unwrap();
        assert_eq!(first.expose().len(), 32);
        assert!(State::parse(first.expose()).is_ok());
        assert_ne!(first.digest(), second.digest());
    }

    #[test]
    fn a_minted_key_parses_back_and_its_debug_holds_no_secret() {
        let key = ApiKey::mint(KeyEnvironment::Test, &SeededEntropy::new(1)).unwrap();
        let text = key.expose();
        let again = ApiKey::parse(text.expose_secret()).unwrap();
        assert_eq!(again.secret_hash(), key.secret_hash());
        assert_eq!(key.id().as_str().len(), 16);
        let secret = text.expose_secret().splitn(4, '_').nth(3).unwrap().to_owned();
        assert!(!format!("{key:?}").contains(&secret));
    }
}
