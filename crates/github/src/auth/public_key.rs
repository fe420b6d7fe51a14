use std::fmt;

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use webpki::{Error, RawPublicKeyEntity};

use super::signer::Signature;
use crate::crypto::RS256;
use crate::error::{PublicKeyProblem, SignerError};

/// The public half of the App's RSA key, which checks the signatures of a [`Signer`](crate::Signer).
#[derive(Clone)]
pub struct PublicKey(SubjectPublicKeyInfoDer<'static>);

impl PublicKey {
    /// Reads PEM text with the label `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`PublicKeyProblem`] if the text is anything else or the key is not RSA.
    pub fn from_pem(pem: &str) -> Result<Self, PublicKeyProblem> {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| PublicKeyProblem::NotPublic)?;
        // An empty signature never verifies; the error says whether the key's algorithm is RSA.
        match verify(&key, b"", b"") {
            Err(Error::InvalidSignatureForPublicKey) => Ok(Self(key)),
            _ => Err(PublicKeyProblem::NotRsa),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignerError> {
        verify(&self.0, message, signature.as_bytes()).map_err(|_| {
            SignerError::Broken(
                "its signature does not match the public key: check that both belong to one key, and that it signs with \
                 RSASSA-PKCS1-v1_5 and SHA-256"
                    .to_owned(),
            )
        })
    }
}

fn verify(key: &SubjectPublicKeyInfoDer<'_>, message: &[u8], signature: &[u8]) -> Result<(), Error> {
    RawPublicKeyEntity::try_from(key)?.verify_signature(RS256, message, signature)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{LocalSigner, Signer};

    const PUBLIC: &str = include_str!("../../tests/keys/rsa-2048-public.pem");
    const PRIVATE: &str = include_str!("../../tests/keys/rsa-2048-pkcs1.pem");

    #[test]
    fn only_signatures_of_the_matching_private_key_verify() {
        let key = PublicKey::from_pem(PUBLIC).unwrap();
        let signer = LocalSigner::from_pem(&PRIVATE.into()).unwrap();
        let signature = pollster::block_on(signer.sign(b"message")).unwrap();
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert!(key.verify(b"another", &signature).is_err());
        assert!(key.verify(b"message", &Signature::new([7; 256]).unwrap()).is_err());
        assert_eq!(format!("{key:?}"), "PublicKey(294 bytes)");
    }

    #[test]
    fn anything_but_a_public_rsa_key_is_rejected_with_its_cause_l44() {
        for (pem, cause) in [
            (PRIVATE, PublicKeyProblem::NotPublic),
            ("", PublicKeyProblem::NotPublic),
            // An Ed25519 key.
            (
                "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----",
                PublicKeyProblem::NotRsa,
            ),
        ] {
            assert_eq!(PublicKey::from_pem(pem).err(), Some(cause));
        }
        let der = SubjectPublicKeyInfoDer::from_pem_slice(PUBLIC.as_bytes()).unwrap();
        for length in 0..der.len() {
            let truncated = data_encoding::BASE64.encode(der.get(..length).unwrap());
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{truncated}\n-----END PUBLIC KEY-----");
            assert!(PublicKey::from_pem(&pem).is_err(), "{length}");
        }
    }
}
