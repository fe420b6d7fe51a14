use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use crate::error::ConfigError;

/// A key of the HMAC that signs messages, which the product knows, too.
#[derive(Clone)]
pub struct SigningSecret(SecretSlice<u8>);

impl SigningSecret {
    const PREFIX: &'static str = "whsec_";
    const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

    /// Parses `whsec_` and 24 to 64 bytes in base64 with padding, which the libraries of products need.
    ///
    /// # Errors
    /// [`ConfigError::SecretPrefix`], [`ConfigError::SecretEncoding`] and [`ConfigError::SecretLength`], which is also
    /// returned if all bytes are equal.
    pub fn parse(text: &SecretString) -> Result<Self, ConfigError> {
        let digits = text.expose_secret().strip_prefix(Self::PREFIX).ok_or(ConfigError::SecretPrefix)?;
        let bytes = BASE64.decode(digits.as_bytes()).map_err(|_| ConfigError::SecretEncoding)?;
        let key = SecretSlice::from(bytes);
        let varies = key.expose_secret().windows(2).any(|pair| matches!(pair, [a, b] if a != b));
        let fits = varies && Self::LENGTHS.contains(&key.expose_secret().len());
        if fits { Ok(Self(key)) } else { Err(ConfigError::SecretLength) }
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let hmac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        let hmac = hmac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
        Some(format!("v1,{}", BASE64.encode(&hmac.finalize().into_bytes())))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// The active secrets: one, or two while the secret is being rotated. Messages have a signature of each.
#[derive(Debug, Clone)]
pub struct SigningSecrets(Vec<SigningSecret>);

impl SigningSecrets {
    /// Creates the set of active secrets.
    ///
    /// # Errors
    /// [`ConfigError::SecretCount`] if it has neither one nor two different secrets.
    pub fn new(secrets: impl IntoIterator<Item = SigningSecret>) -> Result<Self, ConfigError> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        match secrets.as_slice() {
            [_] => Ok(Self(secrets)),
            [one, other] if one.0.expose_secret() != other.0.expose_secret() => Ok(Self(secrets)),
            _ => Err(ConfigError::SecretCount),
        }
    }

    /// Returns the value of `webhook-signature`: a signature by each secret, separated by spaces.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signatures: Vec<_> =
            self.0.iter().filter_map(|secret| secret.sign(id, timestamp, body)).collect();
        signatures.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the documentation of Standard Webhooks' libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret(text: &str) -> Result<SigningSecret, ConfigError> {
        SigningSecret::parse(&text.into())
    }

    #[test]
    fn example_of_the_specifications_libraries_is_signed_alike() {
        let secrets = SigningSecrets::new([secret(SECRET).unwrap()]).unwrap();
        let signature =
            secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_give_two_signatures_in_their_order() {
        let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        let sign = |secrets: &[&str]| {
            let secrets = secrets.iter().map(|text| secret(text).unwrap());
            SigningSecrets::new(secrets).unwrap().sign("id", 7, b"{}")
        };
        assert_eq!(sign(&[SECRET, other]), format!("{} {}", sign(&[SECRET]), sign(&[other])));
        let parsed = |text: &str| secret(text).unwrap();
        for wrong in
            [vec![], vec![SECRET, SECRET], vec![SECRET, other, "whsec_AQECAwQFBgcICQoLDA0ODxAREhMUFRYX"]]
        {
            let wrong = SigningSecrets::new(wrong.into_iter().map(parsed));
            assert_eq!(wrong.unwrap_err(), ConfigError::SecretCount);
        }
    }

    #[test]
    fn secrets_are_parsed_strictly_and_never_shown() {
        let of = |bytes: &[u8]| format!("whsec_{}", BASE64.encode(bytes));
        let long: Vec<u8> = (0..65).collect();
        for length in [24, 25, 26, 64] {
            assert!(secret(&of(&long[..length])).is_ok(), "{length}");
        }
        for (text, error) in [
            (String::new(), ConfigError::SecretPrefix),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), ConfigError::SecretPrefix),
            ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), ConfigError::SecretPrefix),
            (format!("{SECRET}!"), ConfigError::SecretEncoding),
            (format!("{SECRET}=="), ConfigError::SecretEncoding),
            (of(&long[..25]).replace('=', ""), ConfigError::SecretEncoding),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_".to_owned(), ConfigError::SecretEncoding),
            ("whsec_".to_owned(), ConfigError::SecretLength),
            (of(&long[..23]), ConfigError::SecretLength),
            (of(&long), ConfigError::SecretLength),
            (of(&[7; 32]), ConfigError::SecretLength),
        ] {
            assert_eq!(secret(&text).unwrap_err(), error, "{text}");
        }
        assert_eq!(format!("{:?}", secret(SECRET).unwrap()), "SigningSecret");
    }
}
