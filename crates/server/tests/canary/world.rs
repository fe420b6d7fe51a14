//! The service as `serve` builds it, in memory, with the test's GitHub.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{BindingRepo, Events, GithubGateway, KeyStore, OsEntropy, RateLimiter, StateStore};
use dockline::{
    ApiKey, AppId, ClaimPolicy, Dockline, KeyEnvironment, KeyRecord, OrganizationId, Ports, Scope, Tier,
    WebhookSecrets,
};
use dockline_axum::{RouterOptions, TracingEvents};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_listener::Listener;
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_telemetry::{EventCounters, FanOut, Metered};
use dockline_worker::{RefreshOptions, Refresher, Worker};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use crate::github::{APP, Github};
use crate::http_client::loopback;
use crate::watch::Watch;

pub(crate) const CLIENT_SECRET: &str = "cs>>>???~~~>>>CanaryZxCvBnMaSdFgHjKl12";
pub(crate) const WEBHOOK_SECRET: &str = "webhook \"secret\" of the Canary \\ with ünicode / and + more";
pub(crate) const INSTALLATION_PATH: &str = "/v1/github/installation";
pub(crate) const RETURN_URL: &str = "https://app.example.com/connected";

pub(crate) struct World<'w> {
    pub(crate) watch: &'w Watch,
    pub(crate) api: String,
    pub(crate) http: Client,
    pub(crate) dockline: Dockline,
    pub(crate) refresher: Arc<Refresher>,
    keys: MemoryKeyStore,
}

/// The parts of a response that the walks need.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// The parts that a test may replace.
pub(crate) struct Parts {
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) states: Arc<dyn StateStore>,
    pub(crate) bindings: Arc<dyn BindingRepo>,
    pub(crate) github: Arc<dyn GithubGateway>,
}

impl<'w> World<'w> {
    pub(crate) async fn start(
        watch: &'w Watch,
        github: &Github,
        pem: &SecretString,
        change: impl FnOnce(Parts) -> Parts,
    ) -> Self {
        Self::limited(watch, github, pem, change, Arc::new(MemoryRateLimiter::new())).await
    }

    /// Starts with a given limiter.
    pub(crate) async fn limited(
        watch: &'w Watch,
        github: &Github,
        pem: &SecretString,
        change: impl FnOnce(Parts) -> Parts,
        limiter: Arc<dyn RateLimiter>,
    ) -> Self {
        let host = GithubHost::at(&github.url, &format!("{}/api/v3", github.url)).unwrap();
        let config = GithubAppConfig::new(AppId::new(APP).unwrap(), "acme-dock", pem.clone())
            .with_host(host)
            .with_oauth_client("Iv23.client", CLIENT_SECRET.into())
            .with_timeout(Duration::from_millis(300));
        let keys = MemoryKeyStore::new();
        let parts = change(Parts {
            keys: Arc::new(keys.clone()),
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(MemoryBindingRepo::new()),
            github: Arc::new(GithubApp::new(config).unwrap()),
        });
        let events = [Arc::new(TracingEvents) as Arc<dyn Events>, Arc::new(EventCounters)];
        let dockline = Dockline::builder(Ports {
            states: Arc::new(Metered::over(parts.states)),
            bindings: Arc::new(Metered::over(parts.bindings)),
            github: Arc::new(Metered::over(parts.github)),
        })
        .with_api_keys(Arc::new(Metered::over(parts.keys)))
        .with_policy(ClaimPolicy::Controlled)
        .with_rate_limiter(Arc::new(Metered::over(limiter)))
        .with_events(Arc::new(FanOut::to(events)))
        .with_webhook_secrets(WebhookSecrets::new([WEBHOOK_SECRET.into()]).unwrap())
        .with_token_revocation(true)
        .build()
        .unwrap();
        let options = RefreshOptions::default().with_attempts(1).with_first_pause(Duration::from_millis(1));
        let worker = Worker::builder(dockline.clone()).with_refresh_options(options).build();
        let refresher = worker.refresh_queue();
        tokio::spawn(worker.run(std::future::pending()));
        let options = RouterOptions::default().with_refresh_queue(refresher.clone());
        let router = dockline_axum::router(dockline.clone(), options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(Listener::new(listener).serve(service, std::future::pending()));
        let http = loopback();
        Self { watch, api, http, dockline, refresher, keys }
    }

    /// Creates a key of a new organization, and guards its secret.
    pub(crate) fn key(&self, organization: &str, change: impl FnOnce(&mut KeyRecord)) -> String {
        let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
        let mut record = KeyRecord {
            id: key.id().clone(),
            environment: KeyEnvironment::Live,
            secret_hash: key.secret_hash(),
            organization: OrganizationId::new(organization).unwrap(),
            organization_name: "Acme Coffee".parse().unwrap(),
            scopes: vec![Scope::GithubAdmin],
            tier: Tier::partner(),
            return_hosts: vec!["app.example.com".into()],
            revoked_at: None,
            expires_at: None,
        };
        change(&mut record);
        self.keys.put(record);
        let text = key.expose().expose_secret().to_owned();
        self.watch.guard("an API key's secret", text.splitn(4, '_').nth(3).unwrap());
        text
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.api))
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.api)).header("content-type", "application/json").body(body)
    }

    pub(crate) fn register(&self, key: &str, installation: u64, state: &str) -> RequestBuilder {
        let body = format!(r#"{{"installationId":{installation},"state":"{state}"}}"#);
        self.post(INSTALLATION_PATH, body).bearer_auth(key)
    }

    /// Sends a request whose response may contain no secret.
    pub(crate) async fn ask(&self, path: &str, request: RequestBuilder) -> Answer {
        self.ask_for(path, &[], request).await
    }

    /// Sends a request whose response may contain only the secrets `meant`.
    pub(crate) async fn ask_for(&self, path: &str, meant: &[&str], request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.unwrap();
        let mut told = format!("{status} {headers:?}\n{body}");
        for secret in meant {
            told = told.replace(secret, "");
        }
        self.watch.answered(path, status, told);
        Answer { status, body }
    }

    /// Creates a state for the key's organization, and guards it.
    pub(crate) async fn state(&self, key: &str) -> String {
        let url = format!("{INSTALLATION_PATH}/install-url?returnUrl={RETURN_URL}");
        let request = self.get(&url).bearer_auth(key);
        let response = request.send().await.unwrap();
        let (headers, body) = (format!("{:?}", response.headers()), response.text().await.unwrap());
        let state = body.split_once("\"state\":\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        self.watch.guard("a state", &state);
        let told = format!("{headers}{body}").replace(&state, "");
        self.watch.answered("install-url, with a state of our making", 200, told);
        state
    }
}
