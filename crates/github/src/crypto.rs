//! The cryptography behind TLS and the App's JWT: one rustls provider, chosen by the crate's features.
//!
//! rustls' process-wide default provider is neither read nor installed, so it does not matter what the host or another
//! library does with it.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::SignatureVerificationAlgorithm;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!(
    "dockline-github needs a cryptography backend: enable its feature `ring` (the default) or `aws-lc-rs`"
);

#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
use {rustls::crypto::aws_lc_rs as tls, webpki::aws_lc_rs as verification};
#[cfg(feature = "ring")]
use {rustls::crypto::ring as tls, webpki::ring as verification};

pub(crate) use tls::sign::RsaSigningKey;

/// Verifies RS256: RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
pub(crate) static RS256: &dyn SignatureVerificationAlgorithm = verification::RSA_PKCS1_2048_8192_SHA256;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(tls::default_provider())
}
