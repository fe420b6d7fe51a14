//! The cryptography behind TLS: one rustls provider, chosen by the crate's features. The process-wide default is neither
//! read nor installed.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!(
    "dockline-forward needs a cryptography backend: enable its feature `ring` (the default) or `aws-lc-rs`"
);

#[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
use rustls::crypto::aws_lc_rs as tls;
#[cfg(feature = "ring")]
use rustls::crypto::ring as tls;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(tls::default_provider())
}
