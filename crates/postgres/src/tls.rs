use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
use rustls::crypto::aws_lc_rs::default_provider;
#[cfg(feature = "ring")]
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::SslNegotiation;

use crate::pool::CertificateCheck;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("`__tls` is private: enable the feature `ring` or `aws-lc-rs` of dockline-postgres");

/// Returns the TLS settings of a connection, or what is wrong with the certificate authorities.
///
/// Names its provider, so that neither the process's default provider nor other crates' features matter.
pub(crate) fn client_config(config: &Config, check: &CertificateCheck) -> Result<ClientConfig, String> {
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut tls = match check {
        CertificateCheck::None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth(),
        CertificateCheck::Platform => {
            builder.with_platform_verifier().map_err(|error| error.to_string())?.with_no_client_auth()
        }
        CertificateCheck::File(path) => {
            builder.with_root_certificates(authorities(path)?).with_no_client_auth()
        }
    };
    if config.get_ssl_negotiation() == SslNegotiation::Direct {
        tls.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(tls)
}

fn authorities(path: &str) -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        authorities.add(certificate).map_err(|error| error.to_string())?;
    }
    if authorities.is_empty() { Err("the file contains no certificate".to_owned()) } else { Ok(authorities) }
}

/// Accepts any certificate, but verifies that the handshake is signed with the certificate's key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L-46
    #[test]
    fn the_features_choose_the_provider_and_the_process_default_stays_unset() {
        for check in [CertificateCheck::None, CertificateCheck::Platform] {
            let tls = client_config(&Config::new(), &check).unwrap();
            let name = if cfg!(feature = "ring") { "Ring" } else { "AwsLcRs" };
            assert_eq!(format!("{:?}", tls.crypto_provider().key_provider), name);
        }
        assert!(CryptoProvider::get_default().is_none());
    }

    #[test]
    fn only_direct_negotiation_offers_alpn() {
        for (query, offered) in [("", &[][..]), ("sslnegotiation=direct&sslmode=require", &["postgresql"])] {
            let config: Config = format!("postgres://h/d?{query}").parse().unwrap();
            let tls = client_config(&config, &CertificateCheck::None).unwrap();
            assert_eq!(tls.alpn_protocols, offered.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_file_without_certificates_is_an_error() {
        let file = std::env::temp_dir().join(format!("dockline-no-authority-{}.pem", std::process::id()));
        std::fs::write(&file, "no certificate").unwrap();
        let check = CertificateCheck::File(file.display().to_string());
        let error = client_config(&Config::new(), &check).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(error, "the file contains no certificate");
    }
}
