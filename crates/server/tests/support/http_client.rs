//! The tests' HTTP client.

use std::time::Duration;

use reqwest::{Client, redirect};
use rustls::crypto::ring::default_provider;

/// Creates a client for plain HTTP that follows no redirects, uses no proxy, and waits at most 40 seconds for a response.
pub(crate) fn loopback() -> Client {
    // reqwest needs a TLS provider even for plain HTTP. An error means that one is installed already.
    drop(default_provider().install_default());
    Client::builder()
        .tls_certs_only([])
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(Duration::from_secs(40))
        .build()
        .unwrap()
}
