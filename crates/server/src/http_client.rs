//! The HTTP client of the product's backend and of the walk.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be made")]
pub struct ClientFailed;

/// A client for the loopback interface: follows no redirect, asks no proxy, waits at most 40 seconds (a proof at the
/// callback may take 30), and trusts no certificate, since everything here is plain HTTP.
///
/// # Errors
/// [`ClientFailed`], which would be a bug.
pub fn loopback() -> Result<Client, ClientFailed> {
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| ClientFailed)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(Duration::from_secs(40))
        .build()
        .map_err(|_| ClientFailed)
}
