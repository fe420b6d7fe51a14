//! HTTP clients for the loopback interface.

use std::time::Duration;

use reqwest::{ClientBuilder, redirect};
use rustls::crypto::ring::default_provider;

/// Returns a builder of clients that follow no redirects, use no proxy, and wait at most 40 seconds for a response: checking
/// the visitor at the callback may take 30. They trust no certificate, since everything here is plain HTTP.
pub fn loopback() -> ClientBuilder {
    // reqwest needs a TLS provider even for plain HTTP. An error means that one is installed already.
    drop(default_provider().install_default());
    reqwest::Client::builder()
        .tls_certs_only([])
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(Duration::from_secs(40))
}
