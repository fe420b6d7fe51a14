//! Who signs the App's JWTs: the private key here, or whatever a host puts in its place.

use std::fmt;

use async_trait::async_trait;
use dockline::PortErrorKind;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::SecretString;

use crate::error::ConfigError;
use crate::key;

/// Signs in the App's name, such as by a key management service that does not let the key out.
///
/// It is asked for one signature in eight minutes, however many calls wait for it, and is given up after
/// [`GithubAppConfig::with_signing_timeout`](crate::GithubAppConfig::with_signing_timeout). Its future may be dropped at
/// any await.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// RS256 of `message`, the JWT's signing input: RSASSA-PKCS1-v1_5 with SHA-256 over these bytes (RFC 7518, 3.3). A
    /// service that wants a digest instead is given SHA-256 of them.
    ///
    /// # Errors
    /// [`SignerError`]; its text goes to the operator's log and must hold no secret.
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError>;
}

/// The bytes of an RS256 signature: as many as the key's modulus has.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// The fewest bytes: of a key of 2048 bits.
    pub const SHORTEST: usize = 256;
    /// The most: of a key of 8192 bits.
    pub const LONGEST: usize = 1024;

    /// Takes a signature's raw bytes.
    ///
    /// # Errors
    /// [`SignerError::Broken`] where no key of 2048 to 8192 bits makes signatures of that length.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SignerError> {
        let bytes = bytes.into();
        if (Self::SHORTEST..=Self::LONGEST).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SignerError::Broken(format!(
                "it gave {} bytes, and an RS256 signature has {} to {}",
                bytes.len(),
                Self::SHORTEST,
                Self::LONGEST
            )))
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}

/// Why there is no signature. Both texts name the cause, and the mend where there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// It cannot be asked at present; trying again may help.
    #[error("the signer is not there: {0}")]
    Unavailable(String),
    /// It refuses, or what it gives is no signature; trying again will not help.
    #[error("the signer is of no use: {0}")]
    Broken(String),
}

impl SignerError {
    pub(crate) const fn kind(&self) -> PortErrorKind {
        match self {
            Self::Unavailable(_) => PortErrorKind::Unavailable,
            Self::Broken(_) => PortErrorKind::Rejected,
        }
    }
}

/// The private key itself, in this process: what [`GithubAppConfig::new`](crate::GithubAppConfig::new) signs with.
pub struct LocalSigner {
    key: RsaKeyPair,
}

impl LocalSigner {
    /// Reads the PEM text that GitHub made.
    ///
    /// # Errors
    /// [`ConfigError::PrivateKey`] says what it is instead.
    pub fn from_pem(pem: &SecretString) -> Result<Self, ConfigError> {
        Ok(Self { key: key::parse(pem)? })
    }
}

#[async_trait]
impl Signer for LocalSigner {
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| {
            SignerError::Broken("the private key is inconsistent; generate a new one".to_owned())
        })?;
        Signature::new(signature)
    }
}

impl fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalSigner")
    }
}
