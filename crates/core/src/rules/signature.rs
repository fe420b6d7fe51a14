//! Verifies the signatures of webhook deliveries.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::SignatureRefusal;
use crate::model::WebhookSecrets;

/// Verifies `X-Hub-Signature-256` over the raw body. All secrets are tried, each in constant time.
///
/// # Errors
/// See [`SignatureRefusal`].
pub fn verify(
    secrets: &WebhookSecrets,
    presented: Option<&[u8]>,
    body: &[u8],
) -> Result<(), SignatureRefusal> {
    if secrets.keys().next().is_none() {
        return Err(SignatureRefusal::NoSecret);
    }
    let signature = parse(presented)?;
    let matches = |key: &[u8]| {
        Hmac::<Sha256>::new_from_slice(key)
            .is_ok_and(|hmac| hmac.chain_update(body).verify_slice(&signature).is_ok())
    };
    if secrets.keys().fold(false, |matched, key| matches(key) | matched) {
        Ok(())
    } else {
        Err(SignatureRefusal::Mismatch)
    }
}

/// Parses `X-Hub-Signature-256` without verifying it.
///
/// # Errors
/// [`SignatureRefusal::Missing`] and [`SignatureRefusal::Malformed`].
pub fn parse(presented: Option<&[u8]>) -> Result<[u8; 32], SignatureRefusal> {
    let presented = presented.ok_or(SignatureRefusal::Missing)?;
    let digits = presented.strip_prefix(b"sha256=").ok_or(SignatureRefusal::Malformed)?;
    let mut signature = [0_u8; 32];
    let decoded = digits.len() == 64 && HEXLOWER.decode_mut(digits, &mut signature).is_ok();
    if decoded { Ok(signature) } else { Err(SignatureRefusal::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in GitHub's documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &[u8] = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(secrets: &[&str]) -> WebhookSecrets {
        WebhookSecrets::new(secrets.iter().map(|secret| (*secret).into())).unwrap()
    }

    #[test]
    fn githubs_example_is_accepted_with_any_of_the_active_secrets() {
        for ours in
            [vec![SECRET], vec![SECRET, "another secret of ours"], vec!["another secret of ours", SECRET]]
        {
            assert_eq!(verify(&secrets(&ours), Some(SIGNATURE), BODY), Ok(()));
        }
        let mismatch = Err(SignatureRefusal::Mismatch);
        assert_eq!(verify(&secrets(&["another secret of ours"]), Some(SIGNATURE), BODY), mismatch);
        assert_eq!(verify(&secrets(&[SECRET]), Some(SIGNATURE), b"Hello, World"), mismatch);
        assert_eq!(verify(&secrets(&[]), Some(SIGNATURE), BODY), Err(SignatureRefusal::NoSecret));
    }

    #[test]
    fn any_other_header_is_rejected_without_a_panic_l_24_l_25_l_27() {
        let ours = secrets(&[SECRET]);
        assert_eq!(verify(&ours, None, BODY), Err(SignatureRefusal::Missing));
        let upper = SIGNATURE.to_ascii_uppercase();
        let mut longer = SIGNATURE.to_vec();
        longer.push(b'0');
        let bad: [&[u8]; 12] = [
            b"",
            b"sha256=",
            b"sha256",
            b"sha1=2f94a757d2246073e26781d117ce0183ebd87b4d",
            b"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
            b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1g",
            b"sha256= 57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            &[0xff; 71],
            &[0; 4096],
            &upper,
            &longer,
        ];
        for header in bad {
            assert_eq!(verify(&ours, Some(header), BODY), Err(SignatureRefusal::Malformed), "{header:?}");
        }
    }

    #[test]
    fn weak_secrets_are_rejected_l_26() {
        for weak in ["", "secret", "development", "fifteen bytes..", "0000000000000000000000"] {
            assert!(WebhookSecrets::new([weak.into()]).is_err(), "{weak:?}");
        }
        assert!(!format!("{:?}", secrets(&[SECRET])).contains("Secret to"));
    }
}
