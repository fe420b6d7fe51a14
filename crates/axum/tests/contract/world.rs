//! The parts under test, all of them real: the router on a socket, the memory stores, the HTTP gateway and, at the
//! other end of another socket, a simulated GitHub.

use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, KeyStore, ManualClock, OsEntropy, SystemClock};
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

use crate::answer::Answer;

pub(crate) const RETURN_URL: &str = "https://app.example.com/github/connected";
pub(crate) const INSTALLATION: &str = "/v1/github/installation";
pub(crate) const CALLBACK: &str = "/v1/github/installation/callback";
pub(crate) const WEBHOOKS: &str = "/v1/github/webhooks";
pub(crate) const REPOS: &str = "/v1/github/repos";
pub(crate) const INSTALL_URL: &str = "/v1/github/installation/install-url";

/// An organization of the product, by its key.
pub(crate) struct Tenant {
    pub(crate) key: SecretString,
}

pub(crate) struct World {
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

/// What a test may choose.
pub(crate) struct Choice {
    pub(crate) policy: ClaimPolicy,
    pub(crate) confirmation: bool,
    pub(crate) prefix: &'static str,
    pub(crate) app: fn(NewApp) -> NewApp,
    pub(crate) ports: fn(Ports) -> Ports,
    pub(crate) keys: fn(Arc<dyn KeyStore>) -> Arc<dyn KeyStore>,
    pub(crate) options: fn(RouterOptions) -> RouterOptions,
    /// GitHub tells us what happens, and is asked back.
    pub(crate) webhooks: bool,
    /// Long enough for a busy machine; short where a test waits for it to pass.
    pub(crate) github_timeout: Duration,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            policy: ClaimPolicy::Controlled,
            confirmation: true,
            prefix: "",
            app: |app| app,
            ports: |ports| ports,
            keys: |keys| keys,
            options: |options| options,
            webhooks: false,
            github_timeout: Duration::from_secs(10),
        }
    }
}

impl World {
    /// Policy controlled, confirmation on: what holds where a host sets nothing.
    pub(crate) async fn start() -> Self {
        Self::with(Choice::default()).await
    }

    pub(crate) async fn with_policy(policy: ClaimPolicy) -> Self {
        Self::with(Choice { policy, ..Choice::default() }).await
    }

    pub(crate) async fn with(choice: Choice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}{}", listener.local_addr().unwrap(), choice.prefix);
        let sim = GithubSim::new(Config::default()).start().await.unwrap();
        let app = (choice.app)(NewApp::new("dockline-test", &format!("{api}{CALLBACK}")));
        let app = if choice.webhooks { app.with_webhook_url(&format!("{api}{WEBHOOKS}")) } else { app };
        let app = sim.sim().create_app(app).unwrap();
        populate(sim.sim());

        let host = GithubHost::at(&sim.web, &sim.api).unwrap();
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(host)
                .with_oauth_client(&*app.client_id, app.client_secret.clone())
                .with_timeout(choice.github_timeout);
        let keys = MemoryKeyStore::new();
        let clock = Arc::new(ManualClock::starting_at(SystemClock.now()));
        let events = MemoryEvents::new(1_000);
        let ports = (choice.ports)(Ports {
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(MemoryBindingRepo::new()),
            github: Arc::new(GithubApp::new(config).unwrap()),
        });
        let secret = app.webhook_secret.clone();
        let secret = Some(secret).filter(|secret| !secret.expose_secret().is_empty());
        let secrets = WebhookSecrets::new(secret).unwrap();
        let dockline = Dockline::builder(ports)
            .with_api_keys((choice.keys)(Arc::new(keys.clone())))
            .with_policy(choice.policy)
            .with_confirmation(choice.confirmation)
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
        let options = if choice.webhooks { options.with_refresh_queue(refresher.clone()) } else { options };
        let router = dockline_axum::router(dockline.clone(), (choice.options)(options)).unwrap();
        let router =
            if choice.prefix.is_empty() { router } else { axum::Router::new().nest(choice.prefix, router) };
        tokio::spawn(async move { axum::serve(listener, router).await });

        let acme = tenant(&keys, "org_acme", "Acme Coffee", |_| {});
        let rival = tenant(&keys, "org_rival", "Rival Roasters", |_| {});
        // The gateway brings reqwest with TLS and no process-wide provider; this plain client has to have one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { sim, app, api, http, acme, rival, keys, events, clock, dockline, refresher }
    }

    pub(crate) fn github(&self) -> &GithubSim {
        self.sim.sim()
    }

    /// With GitHub's webhooks, which are followed up.
    pub(crate) async fn with_webhooks(policy: ClaimPolicy) -> Self {
        Self::with(Choice { policy, webhooks: true, ..Choice::default() }).await
    }

    /// Done when GitHub has told everything that it means to tell by now, and was asked about all of it.
    pub(crate) async fn settled(&self) {
        self.github().settled().await;
        self.refresher.idle().await;
    }

    /// An installation of acme-coffee that acme has bound, under the policy "state".
    pub(crate) async fn bound(&self) -> u64 {
        let installation = self.installed("acme-coffee", "olga");
        let state = self.fresh_state(&self.acme).await;
        self.register(&self.acme, installation, &state).await.expect(201);
        installation
    }

    /// What acme sees of its binding.
    pub(crate) async fn seen(&self, field: &str) -> String {
        let answer = self.get(&self.acme, INSTALLATION).await.expect(200);
        answer.json[field].as_str().unwrap().to_owned()
    }

    /// An installation that GitHub knows and nobody has bound.
    pub(crate) fn installed(&self, account: &str, by: &str) -> u64 {
        self.github().install(self.app.app_id, account, by).unwrap()
    }

    pub(crate) async fn get(&self, tenant: &Tenant, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.api)).bearer_auth(tenant.key.expose_secret());
        Answer::of(request).await
    }

    pub(crate) async fn delete(&self, tenant: &Tenant, path: &str) -> Answer {
        let request = self.http.delete(format!("{}{path}", self.api)).bearer_auth(tenant.key.expose_secret());
        Answer::of(request).await
    }

    /// Posts a raw body as JSON.
    pub(crate) async fn post(&self, tenant: &Tenant, body: impl Into<reqwest::Body>) -> Answer {
        let request = self
            .http
            .post(format!("{}{INSTALLATION}", self.api))
            .bearer_auth(tenant.key.expose_secret())
            .header("content-type", "application/json")
            .body(body);
        Answer::of(request).await
    }

    pub(crate) async fn register(&self, tenant: &Tenant, installation: u64, state: &str) -> Answer {
        let body = format!(r#"{{"installationId": {installation}, "state": "{state}"}}"#);
        self.post(tenant, body).await
    }

    /// Asks for an install URL with a state of the tenant's own.
    pub(crate) async fn begin(&self, tenant: &Tenant, state: &str) -> Answer {
        self.get(tenant, &format!("{INSTALL_URL}?returnUrl={RETURN_URL}&state={state}")).await
    }

    /// A fresh state of the tenant's, made by us.
    pub(crate) async fn fresh_state(&self, tenant: &Tenant) -> String {
        let answer = self.get(tenant, &format!("{INSTALL_URL}?returnUrl={RETURN_URL}")).await;
        answer.expect(200).json["state"].as_str().unwrap().to_owned()
    }
}

/// Makes a tenant with a key; `change` may change its record.
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
    keys.insert(record);
    Tenant { key: key.expose() }
}

/// olga administers acme-coffee, max is a mere member of it, mallory has an organization of her own.
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
