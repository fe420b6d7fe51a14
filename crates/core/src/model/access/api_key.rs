//! The product's API keys: `lp_<environment>_<key id>_<secret>`.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::model::spelled;
use crate::model::{OrganizationId, OrganizationName, Scope, SecretDigest, Tier};

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The text is not of the form `lp_<environment>_<key id>_<secret>`. The error does not say which part is wrong, so that
/// a 401 gives no hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct MalformedApiKey;

spelled! {
    /// The environment that a key belongs to. A key works in its own environment only.
    pub enum KeyEnvironment("key environment") {
        /// Real organizations.
        Live = "live",
        /// Test organizations.
        Test = "test",
    }
}

/// The public part of a key: 14–18 Crockford base32 characters, safe to log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId {
    /// Followed by zeroes, so that the order is that of the text.
    characters: [u8; Self::LONGEST],
    length: u8,
}

impl KeyId {
    const LONGEST: usize = 18;

    /// Parses 14–18 upper-case Crockford base32 characters.
    ///
    /// # Errors
    /// [`MalformedApiKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MalformedApiKey> {
        let is_crockford = |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z') && !b"ILOU".contains(&byte);
        let fits = (14..=Self::LONGEST).contains(&text.len()) && text.bytes().all(is_crockford);
        if fits { Ok(Self::of(text.bytes())) } else { Err(MalformedApiKey) }
    }

    /// Returns 16 characters with 80 random bits.
    pub(crate) fn from_random(bytes: [u8; 16]) -> Self {
        // 32 divides 256, so every letter is equally likely.
        Self::of(bytes.into_iter().filter_map(|byte| CROCKFORD.get(usize::from(byte % 32)).copied()))
    }

    /// Takes the first characters, which must be ASCII.
    fn of(text: impl Iterator<Item = u8>) -> Self {
        let mut id = Self { characters: [0; Self::LONGEST], length: 0 };
        for (place, character) in id.characters.iter_mut().zip(text) {
            *place = character;
            id.length += 1;
        }
        id
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let characters = self.characters.get(..usize::from(self.length)).unwrap_or_default();
        // All are ASCII.
        str::from_utf8(characters).unwrap_or_default()
    }
}

impl FromStr for KeyId {
    type Err = MalformedApiKey;

    fn from_str(text: &str) -> Result<Self, MalformedApiKey> {
        Self::parse(text)
    }
}

impl TryFrom<String> for KeyId {
    type Error = MalformedApiKey;

    fn try_from(text: String) -> Result<Self, MalformedApiKey> {
        Self::parse(&text)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyId").field(&self.as_str()).finish()
    }
}

/// The SHA-256 of a key's 32 secret bytes, which stores keep instead of the secret. A random secret of 256 bits needs no
/// slow hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKeySecretHash(SecretDigest);

impl ApiKeySecretHash {
    /// Restores a hash from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretDigest::from_bytes(bytes))
    }

    /// Compares two hashes in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.matches(&other.0)
    }

    /// Returns the 32 bytes, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// An API key with its secret. `Debug` shows the environment and the key id only.
pub struct ApiKey {
    environment: KeyEnvironment,
    id: KeyId,
    secret: SecretBox<[u8; 32]>,
}

impl ApiKey {
    /// Parses `lp_<environment>_<key id>_<secret>`. The secret may contain `_`, so only the first three separate.
    ///
    /// # Errors
    /// [`MalformedApiKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MalformedApiKey> {
        let mut parts = text.splitn(4, '_');
        let (Some("lp"), Some(environment), Some(id), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MalformedApiKey);
        };
        let environment = environment.parse().map_err(|_| MalformedApiKey)?;
        let id = KeyId::parse(id)?;
        if secret.len() != 43 {
            return Err(MalformedApiKey);
        }
        let mut bytes = SecretBox::new(Box::new([0_u8; 32]));
        // 43 characters carry two bits too many. `data-encoding` requires them to be zero, so a secret has one spelling.
        BASE64URL_NOPAD
            .decode_mut(secret.as_bytes(), bytes.expose_secret_mut())
            .map_err(|_| MalformedApiKey)?;
        Ok(Self { environment, id, secret: bytes })
    }

    /// Assembles a new key.
    pub(crate) const fn from_random(
        environment: KeyEnvironment,
        id: KeyId,
        secret: SecretBox<[u8; 32]>,
    ) -> Self {
        Self { environment, id, secret }
    }

    /// Returns the key's environment.
    #[must_use]
    pub const fn environment(&self) -> KeyEnvironment {
        self.environment
    }

    /// Returns the key's public part.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the hash that a store keeps.
    #[must_use]
    pub fn secret_hash(&self) -> ApiKeySecretHash {
        ApiKeySecretHash(SecretDigest::of(self.secret.expose_secret()))
    }

    /// Returns the whole key in clear text. Show it once, to its future owner.
    #[must_use]
    pub fn expose(&self) -> SecretString {
        let secret = BASE64URL_NOPAD.encode(self.secret.expose_secret());
        format!("lp_{}_{}_{secret}", self.environment.as_str(), self.id).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey(lp_{}_{}_[redacted])", self.environment.as_str(), self.id)
    }
}

/// An API key as a key store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key's public part.
    pub id: KeyId,
    /// The key's environment. A presented key of another environment is rejected.
    pub environment: KeyEnvironment,
    /// The hash of the key's secret.
    pub secret_hash: ApiKeySecretHash,
    /// The organization that the key acts for.
    pub organization: OrganizationId,
    /// The organization's display name; the confirmation page shows it.
    pub organization_name: OrganizationName,
    /// The permissions of the key. An empty list permits nothing.
    pub scopes: Vec<Scope>,
    /// The size of the key's budget.
    pub tier: Tier,
    /// Hosts that a `returnUrl` may name, compared exactly but for case.
    pub return_hosts: Vec<String>,
    /// The time from which the key is rejected because it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// The time from which the key is rejected because it expired.
    pub expires_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_with_underscores() -> String {
        // Bytes of 0xff encode to `_`.
        format!("lp_live_01HX9Y6K7EJ4T2_{}", BASE64URL_NOPAD.encode(&[0xff; 32]))
    }

    #[test]
    fn a_key_splits_on_the_first_three_underscores_only() {
        let text = key_with_underscores();
        let key = ApiKey::parse(&text).unwrap();
        assert_eq!(key.id().as_str(), "01HX9Y6K7EJ4T2");
        assert_eq!(key.environment(), KeyEnvironment::Live);
        assert_eq!(key.expose().expose_secret(), text);
    }

    #[test]
    fn ids_are_printed_and_ordered_as_text() {
        let texts =
            ["0123456789ABCD", "0123456789ABCD0", "0123456789ABCD00ZZ", "0123456789ABCE", "ZZZZZZZZZZZZZZ"];
        let ids = texts.map(|text| KeyId::parse(text).unwrap());
        assert!(ids.is_sorted());
        assert_eq!(ids.each_ref().map(KeyId::as_str), texts);
        assert_eq!(format!("{} {:?}", ids[1], ids[1]), "0123456789ABCD0 KeyId(\"0123456789ABCD0\")");
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn any_other_form_is_malformed() {
        let secret = BASE64URL_NOPAD.encode(&[1; 32]);
        for bad in [
            String::new(),
            "lp".into(),
            "lp_live_01HX9Y6K7EJ4T2".into(),
            format!("xx_live_01HX9Y6K7EJ4T2_{secret}"),
            format!("lp_prod_01HX9Y6K7EJ4T2_{secret}"),
            format!("lp_LIVE_01HX9Y6K7EJ4T2_{secret}"),
            format!("lp_live_01HX9Y6K7EJ4T_{secret}"), // 13 characters
            format!("lp_live_01HX9Y6K7EJ4T200000_{secret}"), // 19 characters
            format!("lp_live_01HX9Y6K7EJ4TU_{secret}"), // U is not Crockford
            format!("lp_live_01hx9y6k7ej4t2_{secret}"), // lower case
            format!("lp_live_01HX9Y6K7EJ4T2_{secret}="),
            format!("lp_live_01HX9Y6K7EJ4T2_{}", &secret[1..]),
            format!("lp_live_01HX9Y6K7EJ4T2_{}/", &secret[1..]),
            format!("lp_live_01HX9Y6K7EJ4T2_{}B", "A".repeat(42)), // stray low bits
            format!(" lp_live_01HX9Y6K7EJ4T2_{secret}"),
        ] {
            assert_eq!(ApiKey::parse(&bad).err(), Some(MalformedApiKey), "{bad}");
        }
    }
}
