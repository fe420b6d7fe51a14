//! The exporter's HTTP client: `reqwest` on the Tokio runtime, because the exporter's thread has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::{Client, redirect};
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::runtime::Handle;

/// Sends requests on the runtime on which it was created.
#[derive(Debug)]
pub(super) struct RuntimeClient {
    client: Client,
    runtime: Handle,
    /// Whether the last request failed, to log only changes.
    failing: AtomicBool,
}

impl RuntimeClient {
    pub(super) fn new(timeout: Duration) -> Result<Self, String> {
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| error.to_string())?
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .timeout(timeout)
            .build()
            .map_err(|error| error.without_url().to_string())?;
        Ok(Self { client, runtime: Handle::current(), failing: AtomicBool::new(false) })
    }

    fn log_change(&self, succeeded: bool) {
        if !succeeded && !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the collector of --otel-endpoint rejects spans or is unreachable; dropping spans until it accepts them"
            );
        } else if succeeded && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the collector of --otel-endpoint accepts spans again");
        }
    }
}

#[async_trait]
impl HttpClient for RuntimeClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let mut response = client.execute(request).await?.error_for_status()?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            Ok::<_, reqwest::Error>((status, headers, response.bytes().await?))
        });
        let sent = sent.await?;
        self.log_change(sent.is_ok());
        let (status, headers, body) = sent?;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
