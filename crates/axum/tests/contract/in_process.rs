//! The router without sockets, so that a test controls every clock. GitHub is unreachable.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use dockline::ports::{Admission, DeliverySink, KeyStore, ManualClock};
use dockline::{AppId, Builder, ClaimPolicy, Dockline, Ports, WebhookSecrets};
use dockline_axum::RouterOptions;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{AppCredentials, Config, GithubSim, NewApp};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_testkit::fixtures::NOON;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use tower::ServiceExt;

use crate::fixture::{Tenant, tenant};

/// A response of the router.
#[derive(Debug)]
pub(crate) struct RouterResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl RouterResponse {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// Returns `Retry-After`, which must be at least 1.
    pub(crate) fn wait(&self) -> u32 {
        let wait = self.header("retry-after").parse().unwrap();
        assert!(wait >= 1);
        wait
    }
}

pub(crate) struct InProcess {
    pub(crate) router: Router,
    pub(crate) keys: MemoryKeyStore,
    pub(crate) acme: Tenant,
    pub(crate) app: AppCredentials,
}

impl InProcess {
    pub(crate) fn with(options: RouterOptions) -> Self {
        Self::start(options, |keys| keys, |ports| ports, |builder| builder)
    }

    pub(crate) fn over_keys(
        options: RouterOptions,
        keys: impl FnOnce(Arc<dyn KeyStore>) -> Arc<dyn KeyStore>,
    ) -> Self {
        Self::start(options, keys, |ports| ports, |builder| builder)
    }

    pub(crate) fn over_ports(options: RouterOptions, ports: impl FnOnce(Ports) -> Ports) -> Self {
        Self::start(options, |keys| keys, ports, |builder| builder)
    }

    pub(crate) fn with_sink(options: RouterOptions, sink: Arc<dyn DeliverySink>) -> Self {
        Self::start(options, |keys| keys, |ports| ports, |builder| builder.with_delivery_sink(sink))
    }

    /// The keys are authenticated by `admission`, which is made of their store.
    pub(crate) fn with_admission(admission: impl FnOnce(MemoryKeyStore) -> Arc<dyn Admission>) -> Self {
        let keys = MemoryKeyStore::new();
        let around = |keys| keys;
        Self::over_store(
            keys.clone(),
            RouterOptions::default(),
            around,
            |ports| ports,
            |builder| builder.with_admission(admission(keys)),
        )
    }

    fn start(
        options: RouterOptions,
        around_keys: impl FnOnce(Arc<dyn KeyStore>) -> Arc<dyn KeyStore>,
        around_ports: impl FnOnce(Ports) -> Ports,
        configure: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        Self::over_store(MemoryKeyStore::new(), options, around_keys, around_ports, configure)
    }

    fn over_store(
        keys: MemoryKeyStore,
        options: RouterOptions,
        around_keys: impl FnOnce(Arc<dyn KeyStore>) -> Arc<dyn KeyStore>,
        around_ports: impl FnOnce(Ports) -> Ports,
        configure: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let app = GithubSim::new(Config::default())
            .create_app(NewApp::new("dockline-test", "https://api.example.com/callback"))
            .unwrap();
        let unreachable = GithubHost::at("http://127.0.0.1:9", "http://127.0.0.1:9/api/v3").unwrap();
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(unreachable);
        let clock = Arc::new(ManualClock::starting_at(NOON));
        let builder = Dockline::builder(around_ports(Ports {
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(MemoryBindingRepo::new()),
            github: Arc::new(GithubApp::new(config).unwrap()),
        }));
        let dockline = configure(builder)
            .with_api_keys(around_keys(Arc::new(keys.clone())))
            .with_policy(ClaimPolicy::State)
            .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
            .with_webhook_secrets(WebhookSecrets::new([app.webhook_secret.clone()]).unwrap())
            .with_clock(clock.clone())
            .build()
            .unwrap();
        let router = dockline_axum::router(dockline, options.with_clock(clock)).unwrap();
        let acme = tenant(&keys, "org_acme", "Acme Coffee", |_| {});
        Self { router, keys, acme, app }
    }

    /// Sends a request from `peer`; an empty `peer` sets no `ConnectInfo`.
    pub(crate) async fn send(
        &self,
        peer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> RouterResponse {
        let mut request = Request::builder().method(method).uri(path).header("host", "api.example.com");
        if !peer.is_empty() {
            request = request.extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response =
            self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        RouterResponse { status, headers, json: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    /// Sends a GET with this `Authorization`.
    pub(crate) async fn get(&self, peer: &str, path: &str, authorization: &str) -> RouterResponse {
        self.send(peer, "GET", path, &[("authorization", authorization)], "").await
    }
}

/// Returns the `Authorization` of a tenant.
pub(crate) fn bearer(tenant: &Tenant) -> String {
    format!("Bearer {}", tenant.key.expose_secret())
}
