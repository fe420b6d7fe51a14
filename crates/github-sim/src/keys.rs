//! The Apps' RSA keys: three published development keys, taken in turn, or one that the caller brings.

use data_encoding::BASE64;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

use crate::error::SimError;

const DEVELOPMENT: [&str; 3] = [
    include_str!("../keys/development-1.pem"),
    include_str!("../keys/development-2.pem"),
    include_str!("../keys/development-3.pem"),
];

/// The development key whose turn it is, as GitHub hands keys out: PKCS#1 in PEM.
pub(crate) fn development(turn: u64) -> &'static str {
    let [first, second, third] = DEVELOPMENT;
    match turn % 3 {
        0 => first,
        1 => second,
        _ => third,
    }
}

/// What GitHub keeps of an App's key: the public half.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey(RsaPublicKeyComponents<Vec<u8>>);

impl PublicKey {
    /// The public half of a private key in PKCS#1 PEM.
    pub(crate) fn of_private(pem: &str) -> Result<Self, SimError> {
        let invalid = || SimError::Invalid("the private key is not RSA in PKCS#1 PEM");
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let der = BASE64.decode(body.as_bytes()).map_err(|_| invalid())?;
        let pair = RsaKeyPair::from_der(&der).map_err(|_| invalid())?;
        Ok(Self(RsaPublicKeyComponents::from(pair.public())))
    }

    /// Whether `signature` is this key's RS256 signature over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_development_key_parses_and_they_differ() {
        let moduli: Vec<Vec<u8>> =
            (0..3).map(|turn| PublicKey::of_private(development(turn)).unwrap().0.n).collect();
        assert!(moduli.iter().enumerate().all(|(i, n)| moduli.iter().skip(i + 1).all(|other| other != n)));
    }

    #[test]
    fn text_that_is_no_key_is_refused() {
        assert!(PublicKey::of_private("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n").is_err());
    }
}
