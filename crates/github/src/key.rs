use ring::error::KeyRejected;
use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

/// What is wrong with a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// No `-----BEGIN`.
    #[error(
        "is not a PEM text: give the content of the .pem file that GitHub made, not its path, with its line breaks (or \\n)"
    )]
    NotPem,
    /// The PEM text is cut or mangled.
    #[error(
        "is a PEM text that does not decode: copy the .pem file whole, from its BEGIN line to its END line"
    )]
    Mangled,
    /// Needs a passphrase.
    #[error("is encrypted: decrypt it first (openssl rsa -in key.pem -out plain.pem)")]
    Encrypted,
    /// The public half.
    #[error(
        "is a public key or a certificate: give the private key that GitHub made, \"BEGIN RSA PRIVATE KEY\""
    )]
    Public,
    /// An SSH key.
    #[error(
        "is an OpenSSH key: give the private key that GitHub made for the App, \"BEGIN RSA PRIVATE KEY\""
    )]
    OpenSsh,
    /// Another algorithm.
    #[error("is not an RSA key: GitHub Apps sign with RS256; generate a key on the App's settings page")]
    NotRsa,
    /// Fewer than 2048 bits.
    #[error("has fewer than 2048 bits: generate a new one on the App's settings page")]
    TooSmall,
    /// ring does not accept it.
    #[error("is not a usable RSA key (of 2048 to 4096 bits): generate a new one on the App's settings page")]
    Unusable,
}

/// Reads the App's private key: PKCS#1, which GitHub issues, or PKCS#8, into which people convert it.
pub(crate) fn parse(pem: &SecretString) -> Result<RsaKeyPair, KeyProblem> {
    let pem = straightened(pem);
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
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(rejected),
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(rejected),
        Ok(_) => Err(KeyProblem::NotRsa),
        Err(_) => Err(KeyProblem::Mangled),
    }
}

/// Undoes what environment variables and secret stores do to a PEM text: quotes around it, escaped line breaks,
/// carriage returns, indented lines.
fn straightened(pem: &SecretString) -> SecretString {
    let text = pem.expose_secret().trim().trim_matches(['"', '\'']);
    let text = SecretString::from(text.replace("\\r", "").replace("\\n", "\n"));
    let lines: Vec<&str> = text.expose_secret().lines().map(str::trim).collect();
    SecretString::from(lines.join("\n"))
}

/// The label of the first section.
fn label(pem: &str) -> Option<&str> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, _) = rest.split_once("-----")?;
    Some(label)
}

/// ring tells the reason as a text only.
fn rejected(reason: KeyRejected) -> KeyProblem {
    match reason.to_string().as_str() {
        "TooSmall" => KeyProblem::TooSmall,
        "WrongAlgorithm" => KeyProblem::NotRsa,
        _ => KeyProblem::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PKCS1: &str = include_str!("../tests/keys/rsa-2048-pkcs1.pem");
    const PKCS8: &str = include_str!("../tests/keys/rsa-2048-pkcs8.pem");

    fn problem(pem: &str) -> Option<KeyProblem> {
        parse(&SecretString::from(pem)).err()
    }

    #[test]
    fn both_forms_of_the_key_are_read_however_they_were_carried_l44() {
        for pem in [PKCS1, PKCS8] {
            assert_eq!(problem(pem), None);
            assert_eq!(problem(&format!("\n  {pem}\n\n")), None, "stray line breaks");
            assert_eq!(problem(&pem.replace('\n', "\\n")), None, "escaped line breaks");
            assert_eq!(problem(&format!("\"{}\"", pem.replace('\n', "\\n"))), None, "quoted");
            assert_eq!(problem(&pem.replace('\n', "\r\n")), None, "carriage returns");
            assert_eq!(problem(&pem.replace('\n', "\n    ")), None, "indented");
        }
    }

    #[test]
    fn each_unusable_key_is_refused_with_its_cause_l44() {
        for (pem, cause) in [
            (include_str!("../tests/keys/rsa-1024.pem"), KeyProblem::TooSmall),
            (include_str!("../tests/keys/rsa-2048-encrypted-pkcs1.pem"), KeyProblem::Encrypted),
            (include_str!("../tests/keys/rsa-2048-encrypted-pkcs8.pem"), KeyProblem::Encrypted),
            (include_str!("../tests/keys/rsa-2048-public.pem"), KeyProblem::Public),
            (include_str!("../tests/keys/ec-sec1.pem"), KeyProblem::NotRsa),
            (include_str!("../tests/keys/ec-pkcs8.pem"), KeyProblem::NotRsa),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
                KeyProblem::OpenSsh,
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", KeyProblem::Public),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", KeyProblem::Unusable),
            ("", KeyProblem::NotPem),
            ("/etc/dockline/key.pem", KeyProblem::NotPem),
        ] {
            assert_eq!(problem(pem), Some(cause), "{cause}");
        }
        assert_eq!(problem(&PKCS1.replace("-----END RSA PRIVATE KEY-----", "")), Some(KeyProblem::Mangled));
        let half = PKCS1.get(..PKCS1.len() / 2).unwrap();
        assert_eq!(problem(half), Some(KeyProblem::Mangled));
    }
}
