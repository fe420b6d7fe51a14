//! The settings of rustls.

use std::fs;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
use rustls::crypto::aws_lc_rs::default_provider;
#[cfg(feature = "ring")]
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::SslNegotiation;

use super::open_error::OpenError;
use crate::connect::parameters::{CertificateCheck, TlsOptions};

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("`__tls` is private: enable the feature `ring` or `aws-lc-rs` of dockline-postgres");

/// Returns the TLS settings of a connection.
///
/// Names its provider, so that neither the process's default provider nor other crates' features matter.
pub(super) fn client_config(config: &Config, options: &TlsOptions) -> Result<ClientConfig, OpenError> {
    let unusable = |error: Error| OpenError::Authorities(error.to_string());
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &options.check {
        CertificateCheck::None => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        }
        CertificateCheck::Platform => builder.with_platform_verifier().map_err(unusable)?,
        CertificateCheck::File { path, names } => {
            let authorities = authorities(path).map_err(OpenError::Authorities)?;
            if *names {
                builder.with_root_certificates(authorities)
            } else {
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider);
                let verifier = verifier.build().map_err(|error| OpenError::Authorities(error.to_string()))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(verifier)))
            }
        }
    };
    let mut tls = match &options.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let (chain, key) = client_certificate(certificate, key).map_err(OpenError::ClientCertificate)?;
            let tls = builder.with_client_auth_cert(chain, key);
            tls.map_err(|error| OpenError::ClientCertificate(error.to_string()))?
        }
    };
    if config.get_ssl_negotiation() == SslNegotiation::Direct {
        tls.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(tls)
}

fn authorities(path: &str) -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        authorities.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(authorities)
}

fn client_certificate(
    certificate: &str,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| format!("{key} contains no usable private key: {error}"))?;
    Ok((chain, key))
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(format!("{path} contains no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

/// Reads a PEM file. A byte order mark would hide its first entry.
fn read(path: &str) -> Result<Vec<u8>, String> {
    let bytes = fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    Ok(bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes))
}

/// Checks everything but the name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is what the inner verifier checks last.
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
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
            let tls = client_config(&Config::new(), &TlsOptions { check, client: None }).unwrap();
            let name = if cfg!(feature = "ring") { "Ring" } else { "AwsLcRs" };
            assert_eq!(format!("{:?}", tls.crypto_provider().key_provider), name);
        }
        assert!(CryptoProvider::get_default().is_none());
    }

    #[test]
    fn only_direct_negotiation_offers_alpn() {
        for (query, offered) in [("", &[][..]), ("sslnegotiation=direct&sslmode=require", &["postgresql"])] {
            let config: Config = format!("postgres://h/d?{query}").parse().unwrap();
            let tls = client_config(&config, &TlsOptions::default()).unwrap();
            assert_eq!(tls.alpn_protocols, offered.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_file_without_certificate_or_key_is_an_error() {
        let file = std::env::temp_dir().join(format!("dockline-no-authority-{}.pem", std::process::id()));
        fs::write(&file, "no certificate").unwrap();
        let path = file.display().to_string();
        let check = CertificateCheck::File { path: path.clone(), names: true };
        let authority = client_config(&Config::new(), &TlsOptions { check, client: None }).unwrap_err();
        let client = Some((path.clone(), path.clone()));
        let client = TlsOptions { client, ..TlsOptions::default() };
        let client = client_config(&Config::new(), &client).unwrap_err();
        fs::remove_file(&file).unwrap();
        assert_eq!(authority, OpenError::Authorities(format!("{path} contains no certificate")));
        assert_eq!(client, OpenError::ClientCertificate(format!("{path} contains no certificate")));
    }
}
