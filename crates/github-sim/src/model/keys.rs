//! RSA keys of Apps: three published development keys in rotation, or a key of the caller.

use data_encoding::BASE64;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

use crate::error::SimError;

const DEVELOPMENT: [&str; 3] = [
    include_str!("../../keys/development-1.pem"),
    include_str!("../../keys/development-2.pem"),
    include_str!("../../keys/development-3.pem"),
];

/// Returns a development key in PKCS#1 PEM, the format of GitHub's keys. `number` is the number of earlier Apps.
pub(crate) fn development(number: u64) -> &'static str {
    let [first, second, third] = DEVELOPMENT;
    match number % 3 {
        0 => first,
        1 => second,
        _ => third,
    }
}

/// The public key of an App.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey(RsaPublicKeyComponents<Vec<u8>>);

impl PublicKey {
    /// Returns the public key of a private key in PKCS#1 PEM.
    pub(crate) fn of_private(pem: &str) -> Result<Self, SimError> {
        let invalid = || SimError::Invalid("the private key is not an RSA key in PKCS#1 PEM");
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let der = BASE64.decode(body.as_bytes()).map_err(|_| invalid())?;
        let pair = RsaKeyPair::from_der(&der).map_err(|_| invalid())?;
        Ok(Self(RsaPublicKeyComponents::from(pair.public())))
    }

    /// Returns whether `signature` is this key's RS256 signature of `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_keys_parse_and_differ() {
        let moduli: Vec<Vec<u8>> =
            (0..3).map(|number| PublicKey::of_private(development(number)).unwrap().0.n).collect();
        assert!(moduli.iter().enumerate().all(|(i, n)| moduli.iter().skip(i + 1).all(|other| other != n)));
    }

    #[test]
    fn malformed_key_is_rejected() {
        assert!(PublicKey::of_private("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n").is_err());
    }
}
