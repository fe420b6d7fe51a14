use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};
use secrecy::{ExposeSecret, SecretString};

use crate::crypto::RsaSigningKey;
use crate::error::KeyProblem;

/// Reads the App's private key, PKCS#1 (as GitHub issues it) or PKCS#8 (a common conversion), for RS256.
pub(super) fn rs256_signer(pem: &SecretString) -> Result<Box<dyn Signer>, KeyProblem> {
    let pem = normalized(pem);
    let pem = pem.expose_secret();
    let label = label(pem).ok_or(KeyProblem::NotPem)?;
    match label {
        _ if label.starts_with("ENCRYPTED") || pem.contains("Proc-Type: 4,ENCRYPTED") => {
            return Err(KeyProblem::Encrypted);
        }
        "RSA PRIVATE KEY" | "PRIVATE KEY" => {}
        "OPENSSH PRIVATE KEY" => return Err(KeyProblem::OpenSsh),
        _ if label.ends_with("PRIVATE KEY") => return Err(KeyProblem::NotRsa),
        _ if label.ends_with("PUBLIC KEY") || label == "CERTIFICATE" => return Err(KeyProblem::Public),
        _ => return Err(KeyProblem::NotPem),
    }
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyProblem::Mangled)?;
    let key = RsaSigningKey::new(&der).map_err(|error| problem(&error))?;
    key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or(KeyProblem::NotRsa)
}

/// Undoes what environment variables and secret stores do to PEM text: quotes around it, escaped line breaks, carriage
/// returns, indentation.
fn normalized(pem: &SecretString) -> SecretString {
    let text = pem.expose_secret().trim().trim_matches(['"', '\'']);
    let text = SecretString::from(text.replace("\\r", "").replace("\\n", "\n"));
    let lines: Vec<&str> = text.expose_secret().lines().map(str::trim).collect();
    SecretString::from(lines.join("\n"))
}

/// Returns the label of the first PEM section.
fn label(pem: &str) -> Option<&str> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, _) = rest.split_once("-----")?;
    Some(label)
}

/// Both backends report the reason as text only, at the end of the message.
fn problem(error: &rustls::Error) -> KeyProblem {
    match error.to_string().rsplit(' ').next() {
        Some("TooSmall") => KeyProblem::TooSmall,
        Some("WrongAlgorithm") => KeyProblem::NotRsa,
        _ => KeyProblem::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PKCS1: &str = include_str!("../../tests/keys/rsa-2048-pkcs1.pem");
    const PKCS8: &str = include_str!("../../tests/keys/rsa-2048-pkcs8.pem");

    fn problem_of(pem: &str) -> Option<KeyProblem> {
        rs256_signer(&SecretString::from(pem)).err()
    }

    #[test]
    fn pkcs1_and_pkcs8_are_read_despite_quotes_escapes_and_indentation_l44() {
        for pem in [PKCS1, PKCS8] {
            assert_eq!(problem_of(pem), None);
            assert_eq!(problem_of(&format!("\n  {pem}\n\n")), None, "stray line breaks");
            assert_eq!(problem_of(&pem.replace('\n', "\\n")), None, "escaped line breaks");
            assert_eq!(problem_of(&format!("\"{}\"", pem.replace('\n', "\\n"))), None, "quoted");
            assert_eq!(problem_of(&pem.replace('\n', "\r\n")), None, "carriage returns");
            assert_eq!(problem_of(&pem.replace('\n', "\\r\\n")), None, "escaped carriage returns");
            assert_eq!(problem_of(&pem.replace('\n', "\n    ")), None, "indented");
        }
    }

    #[test]
    fn each_unusable_key_is_rejected_with_its_cause_l44() {
        for (pem, cause) in [
            (include_str!("../../tests/keys/rsa-1024.pem"), KeyProblem::TooSmall),
            (include_str!("../../tests/keys/rsa-2048-encrypted-pkcs1.pem"), KeyProblem::Encrypted),
            (include_str!("../../tests/keys/rsa-2048-encrypted-pkcs8.pem"), KeyProblem::Encrypted),
            (include_str!("../../tests/keys/rsa-2048-public.pem"), KeyProblem::Public),
            (include_str!("../../tests/keys/ec-sec1.pem"), KeyProblem::NotRsa),
            (include_str!("../../tests/keys/ec-pkcs8.pem"), KeyProblem::NotRsa),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
                KeyProblem::OpenSsh,
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", KeyProblem::Public),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", KeyProblem::Unusable),
            ("", KeyProblem::NotPem),
            ("/etc/dockline/key.pem", KeyProblem::NotPem),
            ("-----BEGIN NEW CERTIFICATE REQUEST-----\nAAAA\n", KeyProblem::NotPem),
        ] {
            assert_eq!(problem_of(pem), Some(cause), "{cause}");
        }
        assert_eq!(
            problem_of(&PKCS1.replace("-----END RSA PRIVATE KEY-----", "")),
            Some(KeyProblem::Mangled)
        );
        let half = PKCS1.get(..PKCS1.len() / 2).unwrap();
        assert_eq!(problem_of(half), Some(KeyProblem::Mangled));
    }
}
