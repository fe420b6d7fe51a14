use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use super::private_key;
use crate::error::{ConfigError, SignerError};

/// Signs with the App's key, for example through a key management service that never exports it.
///
/// Called about once in eight minutes; concurrent requests share one signature. A call is abandoned after
/// [`GithubAppConfig::with_signing_timeout`](crate::GithubAppConfig::with_signing_timeout), so the future may be dropped at
/// any await.
///
/// ```
/// use dockline_github::{Signature, Signer, SignerError};
///
/// #[derive(Debug)]
/// struct Kms; // the service's client
///
/// impl Kms {
///     async fn rs256(&self, _message: &[u8]) -> Result<Vec<u8>, std::io::Error> {
///         # Ok(vec![0; 256])
///         // … call the service: RSASSA-PKCS1-v1_5 with SHA-256
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl Signer for Kms {
///     async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
///         let bytes = self.rs256(message).await;
///         Signature::new(bytes.map_err(|error| SignerError::Unavailable(error.to_string()))?)
///     }
/// }
/// ```
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// Returns the RS256 signature of `message`, the JWT's signing input: RSASSA-PKCS1-v1_5 with SHA-256 over exactly these
    /// bytes (RFC 7518, section 3.3). Pass their SHA-256 digest to a service that signs digests.
    ///
    /// # Errors
    /// [`SignerError`]. Its text is logged and must not contain a secret.
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError>;
}

/// The bytes of an RS256 signature, as long as the key's modulus.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// Length in bytes for a key of 2048 bits, the smallest.
    pub const SHORTEST: usize = 256;
    /// Length in bytes for a key of 8192 bits, the largest.
    pub const LONGEST: usize = 1024;

    /// Wraps the raw bytes of a signature.
    ///
    /// # Errors
    /// [`SignerError::Broken`] if the length is not that of a key of 2048 to 8192 bits.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SignerError> {
        let bytes = bytes.into();
        if (Self::SHORTEST..=Self::LONGEST).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SignerError::Broken(format!(
                "it returned {} bytes; an RS256 signature has {} to {}",
                bytes.len(),
                Self::SHORTEST,
                Self::LONGEST
            )))
        }
    }

    /// Returns the raw bytes.
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

/// Signs with a private key in this process. [`GithubAppConfig::new`](crate::GithubAppConfig::new) uses it.
pub struct LocalSigner(Box<dyn rustls::sign::Signer>);

impl LocalSigner {
    /// Reads the PEM text that GitHub generated.
    ///
    /// # Errors
    /// [`ConfigError::PrivateKey`] if the text is not a usable RSA private key.
    pub fn from_pem(pem: &SecretString) -> Result<Self, ConfigError> {
        Ok(Self(private_key::rs256_signer(pem)?))
    }
}

#[async_trait]
impl Signer for LocalSigner {
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let signature = self.0.sign(message).map_err(|_| {
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
