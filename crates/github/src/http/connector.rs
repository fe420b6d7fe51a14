//! Connections to GitHub: TCP, the proxy if there is one, and TLS within one timeout.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::config::GithubAppConfig;
use crate::crypto;
use crate::error::ConfigError;
use crate::proxy::HttpsProxy;

/// Finds out that a peer has vanished while an idle connection is kept.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Tcp = TokioIo<TcpStream>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Connects to GitHub and gives up after the connect timeout.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<Route>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        let tls = tls(config)?;
        let route = match &config.proxy {
            None => Route::Direct(tcp),
            Some(proxy) => Route::Proxy(Box::new(tunnel(proxy, over_tls(tls.clone(), tcp)))),
        };
        Ok(Self { https: over_tls(tls, route), timeout: config.connect_timeout })
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<MaybeHttpsStream<Tcp>>;
    type Error = Error;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = timeout(self.timeout, self.https.call(uri));
        Box::pin(async { connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? })
    }
}

/// How a TCP connection to GitHub is made. The environment's proxies, such as `HTTPS_PROXY`, are ignored: only the
/// configured one sees where the gateway connects to.
#[derive(Clone)]
enum Route {
    Direct(HttpConnector),
    Proxy(Box<Tunnel<HttpsConnector<HttpConnector>>>),
}

impl Service<Uri> for Route {
    type Response = MaybeHttpsStream<Tcp>;
    type Error = Error;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Direct(tcp) => tcp.poll_ready(context).map_err(Into::into),
            Self::Proxy(tunnel) => tunnel.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(uri);
                Box::pin(async { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Self::Proxy(tunnel) => {
                let connecting = tunnel.call(with_port(uri));
                Box::pin(async { Ok(connecting.await?) })
            }
        }
    }
}

fn over_tls<C>(tls: ClientConfig, connector: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector)
}

fn tunnel(
    proxy: &HttpsProxy,
    connector: HttpsConnector<HttpConnector>,
) -> Tunnel<HttpsConnector<HttpConnector>> {
    let tunnel = Tunnel::new(proxy.url().clone(), connector);
    match proxy.authorization() {
        Some(authorization) => tunnel.with_auth(authorization),
        None => tunnel,
    }
}

/// Names the port of a plain http URL, since the tunnel takes every missing one for 443.
fn with_port(uri: Uri) -> Uri {
    let named = match (uri.scheme(), uri.host(), uri.port()) {
        (Some(scheme), Some(host), None) if *scheme == Scheme::HTTP => {
            format!("http://{host}:80/").parse().ok()
        }
        _ => None,
    };
    named.unwrap_or(uri)
}

/// Trusts the machine's certificate authorities, since the certificate of an enterprise server often comes from the
/// company's own authority.
fn tls(config: &GithubAppConfig) -> Result<ClientConfig, ConfigError> {
    let builder = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Client(error.to_string()))?;
    if config.host.is_plain_http() && !config.proxy.as_ref().is_some_and(HttpsProxy::is_https) {
        // A simulator on this machine must also run where no certificate authorities are installed.
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder =
        builder.with_platform_verifier().map_err(|error| ConfigError::TrustStore(error.to_string()))?;
    Ok(builder.with_no_client_auth())
}
