//! HTTP/1.1 with deadlines. Follows no redirects and never repeats a request.

use std::error::Error;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::timeout;
use tower_service::Service;

use crate::crypto;
use crate::endpoint::Endpoint;
use crate::error::{ConfigError, UnreachableEndpoint};

/// How long an idle connection is kept: less than the 5 seconds after which Node.js closes it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest response body that is read, so that its connection can be used again.
const MAX_RESPONSE: usize = 64 << 10;

/// How long a response body is read. The status is the answer, so the rest of a slow one is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    connector: HttpsConnector<HttpConnector>,
}

impl HttpClient {
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, ConfigError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(endpoint)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector.clone());
        Ok(Self { client, connector })
    }

    /// Sends a request and returns the head of the response, within `deadline`; otherwise the cause.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        deadline: Duration,
    ) -> Result<http::response::Parts, String> {
        match timeout(deadline, self.client.request(request)).await {
            Ok(Ok(response)) => {
                let (head, body) = Response::into_parts(response);
                // An unread rest closes the connection.
                let _ = timeout(BODY_TIMEOUT, skip(body)).await;
                Ok(head)
            }
            Ok(Err(error)) => Err(cause(&error)),
            Err(_) => Err(format!("no answer within {} s", deadline.as_secs())),
        }
    }

    /// Connects to the endpoint, negotiates TLS, and sends nothing.
    pub(crate) async fn connect(&self, endpoint: &Endpoint) -> Result<(), UnreachableEndpoint> {
        let mut connector = self.connector.clone();
        match timeout(CONNECT_TIMEOUT, connector.call(endpoint.uri().clone())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(UnreachableEndpoint(cause(&*error))),
            Err(_) => {
                Err(UnreachableEndpoint(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())))
            }
        }
    }
}

/// Reads the body up to a size.
async fn skip(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_RESPONSE {
            return;
        }
    }
}

/// Returns the innermost cause, the most precise one, such as "Connection refused" or "invalid peer certificate".
fn cause(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.last().unwrap_or(error).to_string()
}

/// Trusts the machine's certificate authorities.
fn tls(endpoint: &Endpoint) -> Result<ClientConfig, ConfigError> {
    let builder = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Client(error.to_string()))?;
    if !endpoint.is_https() {
        // A product on this machine must also be reached where no certificate authorities are installed.
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder =
        builder.with_platform_verifier().map_err(|error| ConfigError::TrustStore(error.to_string()))?;
    Ok(builder.with_no_client_auth())
}
