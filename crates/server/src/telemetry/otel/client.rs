//! The HTTP client that is in the tree already, for an exporter that waits on a thread without a runtime.

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

/// Sends from the runtime that it was made on.
#[derive(Debug)]
pub(super) struct OnRuntime {
    client: Client,
    runtime: Handle,
    /// Whether the log has been told that the collector is away.
    away: AtomicBool,
}

impl OnRuntime {
    pub(super) fn new(patience: Duration) -> Result<Self, String> {
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
            .timeout(patience)
            .build()
            .map_err(|error| error.without_url().to_string())?;
        Ok(Self { client, runtime: Handle::current(), away: AtomicBool::new(false) })
    }

    fn note(&self, answered: bool) {
        if !answered && !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the collector of --otel-endpoint does not take spans; they are dropped until it does"
            );
        } else if answered && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the collector of --otel-endpoint takes spans again");
        }
    }
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let mut response = client.execute(request).await?.error_for_status()?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            Ok::<_, reqwest::Error>((status, headers, response.bytes().await?))
        });
        let sent = sent.await?;
        self.note(sent.is_ok());
        let (status, headers, body) = sent?;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
