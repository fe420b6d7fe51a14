//! The public half of the App's key, to check with what another has signed.

use std::fmt;

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

use crate::signer::{Signature, SignerError};

/// `rsaEncryption` with its NULL, as an `AlgorithmIdentifier` (RFC 8017, A.1).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// What is wrong with a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyProblem {
    /// Another form, or something else.
    #[error(
        "is not a public key in PEM (\"BEGIN PUBLIC KEY\"): make it with openssl rsa -in key.pem -pubout, or ask the key \
         management service for it"
    )]
    NotPublic,
    /// Another algorithm.
    #[error("is not an RSA key, and GitHub Apps sign with RS256")]
    NotRsa,
}

/// The public half of the App's RSA key.
#[derive(Clone)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads a PEM text, `BEGIN PUBLIC KEY`.
    ///
    /// # Errors
    /// [`PublicKeyProblem`].
    pub fn from_pem(pem: &str) -> Result<Self, PublicKeyProblem> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| PublicKeyProblem::NotPublic)?;
        key_of(&der).map(Self).ok_or(PublicKeyProblem::NotRsa)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignerError> {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0);
        key.verify(message, signature.as_bytes()).map_err(|_| {
            SignerError::Broken(
                "its signature does not fit the public key: look whether both are of one key, and whether it signs by \
                 RSASSA-PKCS1-v1_5 with SHA-256"
                    .to_owned(),
            )
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bytes)", self.0.len())
    }
}

/// The PKCS#1 key in a `SubjectPublicKeyInfo`: SEQUENCE { rsaEncryption, BIT STRING { key } }.
fn key_of(info: &[u8]) -> Option<Vec<u8>> {
    let info = content(SEQUENCE, info)?;
    let bits = content(BIT_STRING, info.strip_prefix(RSA)?)?;
    // The first byte of a bit string counts the bits that are missing from its last.
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// What is in the one DER element of `tag` that `der` is.
fn content(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| (length << 8) | usize::from(byte)), rest)
        }
        _ => return None,
    };
    (rest.len() == length).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signer::{LocalSigner, Signer};

    const PUBLIC: &str = include_str!("../tests/keys/rsa-2048-public.pem");
    const PRIVATE: &str = include_str!("../tests/keys/rsa-2048-pkcs1.pem");

    #[test]
    fn it_tells_its_own_signatures_from_others() {
        let key = PublicKey::from_pem(PUBLIC).unwrap();
        let signer = LocalSigner::from_pem(&PRIVATE.into()).unwrap();
        let signature = pollster::block_on(signer.sign(b"message")).unwrap();
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert!(key.verify(b"another", &signature).is_err());
        assert!(key.verify(b"message", &Signature::new([7; 256]).unwrap()).is_err());
    }

    #[test]
    fn what_is_no_public_rsa_key_is_refused_with_its_cause_l44() {
        for (pem, cause) in [
            (PRIVATE, PublicKeyProblem::NotPublic),
            ("", PublicKeyProblem::NotPublic),
            // Of an Ed25519 key.
            (
                "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----",
                PublicKeyProblem::NotRsa,
            ),
        ] {
            assert_eq!(PublicKey::from_pem(pem).err(), Some(cause));
        }
        let der = SubjectPublicKeyInfoDer::from_pem_slice(PUBLIC.as_bytes()).unwrap();
        for cut in 0..der.len() {
            assert_eq!(key_of(der.get(..cut).unwrap()), None, "{cut}");
        }
    }
}
