//! The system under test: the router on a socket, the memory stores, the HTTP gateway and, behind another socket, a
//! simulated GitHub.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, DeliverySink, KeyStore, ManualClock, OsEntropy, SystemClock};
use dockline::{
    ApiKey, AppId, ClaimPolicy, Dockline, KeyEnvironment, KeyRecord, OrganizationId, Ports, Scope, Tier,
    WebhookSecrets,
};
use dockline_axum::RouterOptions;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{AppCredentials, Config, GithubSim, NewApp, Role, RunningSim};
use dockline_memory::{MemoryBindingRepo, MemoryEvents, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use dockline_worker::{Refresher, Worker};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use crate::response::Response;

pub(crate) const RETURN_URL: &str = "https://app.example.com/github/connected";
pub(crate) const INSTALLATION: &str = "/v1/github/installation";
pub(crate) const CALLBACK: &str = "/v1/github/installation/callback";
pub(crate) const WEBHOOKS: &str = "/v1/github/webhooks";
pub(crate) const REPOS: &str = "/v1/github/repos";
pub(crate) const INSTALL_URL: &str = "/v1/github/installation/install-url";

/// The key of an organization of the product.
pub(crate) struct Tenant {
    pub(crate) key: SecretString,
}

pub(crate) struct Fixture {
    pub(crate) sim: RunningSim,
    pub(crate) app: AppCredentials,
    pub(crate) api: String,
    pub(crate) http: reqwest::Client,
    pub(crate) acme: Tenant,
    pub(crate) rival: Tenant,
    pub(crate) keys: MemoryKeyStore,
    pub(crate) events: MemoryEvents,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) dockline: Dockline,
    pub(crate) refresher: Arc<Refresher>,
}

/// The settings of a fixture.
pub(crate) struct Setup {
    pub(crate) policy: ClaimPolicy,
    pub(crate) confirmation: bool,
    pub(crate) prefix: &'static str,
    pub(crate) app: fn(NewApp) -> NewApp,
    pub(crate) ports: fn(Ports) -> Ports,
    pub(crate) keys: fn(Arc<dyn KeyStore>) -> Arc<dyn KeyStore>,
    pub(crate) options: fn(RouterOptions) -> RouterOptions,
    /// Takes the deliveries for the product.
    pub(crate) sink: Option<Arc<dyn DeliverySink>>,
    /// Whether GitHub sends webhooks and the refresher follows them up.
    pub(crate) webhooks: bool,
    /// Long enough for a busy machine; short if a test waits for it to pass.
    pub(crate) github_timeout: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            policy: ClaimPolicy::Controlled,
            confirmation: true,
            prefix: "",
            app: |app| app,
            ports: |ports| ports,
            keys: |keys| keys,
            options: |options| options,
            sink: None,
            webhooks: false,
            github_timeout: Duration::from_secs(10),
        }
    }
}

impl Fixture {
    /// The defaults: policy `controlled`, confirmation on.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with_policy(policy: ClaimPolicy) -> Self {
        Self::with(Setup { policy, ..Setup::default() }).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}{}", listener.local_addr().unwrap(), setup.prefix);
        let sim = GithubSim::new(Config::default()).start().await.unwrap();
        let app = (setup.app)(NewApp::new("dockline-test", &format!("{api}{CALLBACK}")));
        let app = if setup.webhooks { app.with_webhook_url(&format!("{api}{WEBHOOKS}")) } else { app };
        let app = sim.sim().create_app(app).unwrap();
        populate(sim.sim());

        let host = GithubHost::at(&sim.web, &sim.api).unwrap();
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(host)
                .with_oauth_client(&*app.client_id, app.client_secret.clone())
                .with_timeout(setup.github_timeout);
        let keys = MemoryKeyStore::new();
        let clock = Arc::new(ManualClock::starting_at(SystemClock.now()));
        let events = MemoryEvents::new(1_000);
        let ports = (setup.ports)(Ports {
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(MemoryBindingRepo::new()),
            github: Arc::new(GithubApp::new(config).unwrap()),
        });
        let secret = app.webhook_secret.clone();
        let secret = Some(secret).filter(|secret| !secret.expose_secret().is_empty());
        let secrets = WebhookSecrets::new(secret).unwrap();
        let builder = Dockline::builder(ports);
        let builder = match setup.sink {
            Some(sink) => builder.with_delivery_sink(sink),
            None => builder,
        };
        let dockline = builder
            .with_api_keys((setup.keys)(Arc::new(keys.clone())))
            .with_policy(setup.policy)
            .with_confirmation(setup.confirmation)
            .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
            .with_events(Arc::new(events.clone()))
            .with_webhook_secrets(secrets)
            .with_clock(clock.clone())
            .build()
            .unwrap();
        let worker = Worker::builder(dockline.clone()).build();
        let refresher = worker.refresh_queue();
        tokio::spawn(worker.run(std::future::pending()));
        let options = RouterOptions::default();
        let options = if setup.webhooks { options.with_refresh_queue(refresher.clone()) } else { options };
        let router = dockline_axum::router(dockline.clone(), (setup.options)(options)).unwrap();
        let router =
            if setup.prefix.is_empty() { router } else { axum::Router::new().nest(setup.prefix, router) };
        tokio::spawn(async move { axum::serve(listener, router).await });

        let acme = tenant(&keys, "org_acme", "Acme Coffee", |_| {});
        let rival = tenant(&keys, "org_rival", "Rival Roasters", |_| {});
        // The gateway enables TLS in reqwest without a process-wide provider, which this client needs.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sim, app, api, http, acme, rival, keys, events, clock, dockline, refresher }
    }

    pub(crate) fn github(&self) -> &GithubSim {
        self.sim.sim()
    }

    /// Enables webhooks and the refresher.
    pub(crate) async fn with_webhooks(policy: ClaimPolicy) -> Self {
        Self::with(Setup { policy, webhooks: true, ..Setup::default() }).await
    }

    /// Waits until GitHub has sent all deliveries and the refresher is idle.
    pub(crate) async fn settled(&self) {
        self.github().settled().await;
        self.refresher.idle().await;
    }

    /// Binds an installation of acme-coffee to acme; needs the policy `state`.
    pub(crate) async fn bound(&self) -> u64 {
        let installation = self.installed("acme-coffee", "olga");
        let state = self.fresh_state(&self.acme).await;
        self.register(&self.acme, installation, &state).await.expect(201);
        installation
    }

    /// Returns a field of acme's binding.
    pub(crate) async fn binding_field(&self, field: &str) -> String {
        let answer = self.get(&self.acme, INSTALLATION).await.expect(200);
        answer.json[field].as_str().unwrap().to_owned()
    }

    /// Creates an unbound installation.
    pub(crate) fn installed(&self, account: &str, by: &str) -> u64 {
        self.github().install(self.app.app_id, account, by).unwrap()
    }

    pub(crate) async fn get(&self, tenant: &Tenant, path: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.api)).bearer_auth(tenant.key.expose_secret());
        Response::of(request).await
    }

    pub(crate) async fn delete(&self, tenant: &Tenant, path: &str) -> Response {
        let request = self.http.delete(format!("{}{path}", self.api)).bearer_auth(tenant.key.expose_secret());
        Response::of(request).await
    }

    /// Posts a raw body as JSON.
    pub(crate) async fn post(&self, tenant: &Tenant, body: impl Into<reqwest::Body>) -> Response {
        let request = self
            .http
            .post(format!("{}{INSTALLATION}", self.api))
            .bearer_auth(tenant.key.expose_secret())
            .header("content-type", "application/json")
            .body(body);
        Response::of(request).await
    }

    pub(crate) async fn register(&self, tenant: &Tenant, installation: u64, state: &str) -> Response {
        let body = format!(r#"{{"installationId": {installation}, "state": "{state}"}}"#);
        self.post(tenant, body).await
    }

    /// Requests an install URL with the tenant's own state.
    pub(crate) async fn start_install(&self, tenant: &Tenant, state: &str) -> Response {
        self.get(tenant, &format!("{INSTALL_URL}?returnUrl={RETURN_URL}&state={state}")).await
    }

    /// Requests an install URL and returns its state.
    pub(crate) async fn fresh_state(&self, tenant: &Tenant) -> String {
        let answer = self.get(tenant, &format!("{INSTALL_URL}?returnUrl={RETURN_URL}")).await;
        answer.expect(200).json["state"].as_str().unwrap().to_owned()
    }
}

/// Creates a tenant with a key; `change` edits its record.
pub(crate) fn tenant(
    keys: &MemoryKeyStore,
    id: &str,
    name: &str,
    change: impl FnOnce(&mut KeyRecord),
) -> Tenant {
    let key = ApiKey::mint(KeyEnvironment::Live, &OsEntropy).unwrap();
    let mut record = KeyRecord {
        id: key.id().clone(),
        environment: KeyEnvironment::Live,
        secret_hash: key.secret_hash(),
        organization: OrganizationId::new(id).unwrap(),
        organization_name: name.parse().unwrap(),
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::partner(),
        return_hosts: vec!["app.example.com".into(), "127.0.0.1".into()],
        revoked_at: None,
        expires_at: None,
    };
    change(&mut record);
    keys.put(record);
    Tenant { key: key.expose() }
}

/// olga administers acme-coffee, max is a member of it, mallory administers mallory-inc.
fn populate(github: &GithubSim) {
    for user in ["olga", "max", "mallory"] {
        github.create_user(user).unwrap();
    }
    for organization in ["acme-coffee", "mallory-inc"] {
        github.create_organization(organization).unwrap();
    }
    github.set_membership("acme-coffee", "olga", Role::Admin).unwrap();
    github.set_membership("acme-coffee", "max", Role::Member).unwrap();
    github.set_membership("mallory-inc", "mallory", Role::Admin).unwrap();
    github.create_enterprise("acme-holding").unwrap();
}
