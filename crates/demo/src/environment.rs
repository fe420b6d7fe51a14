//! The demo's parts, wired and listening.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::OsEntropy;
use dockline::{
    ApiKey, AppId, ClaimPolicy, Dockline, KeyEnvironment, KeyRecord, OrganizationId, OutboxBounds, Ports,
    Scope, Tier, WebhookSecrets,
};
use dockline_axum::RouterOptions;
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::cli::{ORGANIZATION, SLUG, base_url, bind, create_samples};
use dockline_github_sim::{AppCredentials, GithubSim};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryOutbox, MemoryRateLimiter, MemoryStateStore};
use dockline_worker::{ForwardOptions, Refresher, Worker};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::journal::Journal;
use crate::product::{self, ProductConfig};

/// The installation of the API documentation's example; it exists with [`ClaimPolicy::State`].
pub const EXAMPLE_INSTALLATION: u64 = 50_291_845;

/// The state of the API documentation's example.
pub const EXAMPLE_STATE: &str = "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK";

/// The time limit for the hints of webhooks, and for requests, when the demo stops.
const DRAIN: Duration = Duration::from_secs(1);

/// The time between two looks for messages to the product.
const MESSAGES: Duration = Duration::from_millis(50);

/// The URLs of the parts, without a trailing slash.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The API.
    pub api: String,
    /// The simulated GitHub's pages.
    pub github: String,
    /// The product's page.
    pub product: String,
    /// The product's return URL.
    pub return_url: String,
}

/// An organization of the product, with its API key.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The organization's id.
    pub organization: OrganizationId,
    /// The name that the confirmation page shows.
    pub name: &'static str,
    /// The API key.
    pub key: SecretString,
}

/// A running demo. [`stop`](Self::stop) ends it gracefully, dropping it ends it at once.
#[derive(Debug)]
pub struct Environment {
    addresses: Addresses,
    acme: Tenant,
    rival: Tenant,
    policy: ClaimPolicy,
    sim: GithubSim,
    refresher: Arc<Refresher>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Environment {
    /// Starts the API, the product and the simulated GitHub.
    ///
    /// # Errors
    /// Fails most likely because a port is taken; the message names the option and a remedy.
    pub async fn start(
        listen: SocketAddr,
        github_listen: SocketAddr,
        policy: ClaimPolicy,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let api_listener = bind(listen, "--listen").await?;
        let github_listener = bind(github_listen, "--github-listen").await?;
        let api = base_url(api_listener.local_addr()?);
        let github = base_url(github_listener.local_addr()?);
        let product = format!("{api}/product");
        let return_url = format!("{product}/connected");
        let addresses = Addresses { api, github, product, return_url };

        let sim = GithubSim::default();
        let callback = format!("{}/v1/github/installation/callback", addresses.api);
        let webhooks = format!("{}/v1/github/webhooks", addresses.api);
        let app = create_samples(&sim, SLUG, &callback, Some(&webhooks))?;
        if policy == ClaimPolicy::State {
            sim.install_as(EXAMPLE_INSTALLATION, app.app_id, ORGANIZATION, "olga")?;
        }

        let keys = MemoryKeyStore::new();
        let acme = tenant(&keys, "org_acme", "Acme Coffee (demo)")?;
        let rival = tenant(&keys, "org_rival", "Rival Roasters")?;
        let journal = Journal::default();
        let bindings = MemoryBindingRepo::new();
        // The product receives changes and deliveries from it.
        let outbox = Arc::new(MemoryOutbox::open(&bindings, OutboxBounds::default()));
        let ports = Ports {
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(bindings),
            github: Arc::new(gateway(&addresses.github, &app)?),
        };
        let dockline = Dockline::builder(ports)
            .with_policy(policy)
            .with_api_keys(Arc::new(keys))
            .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
            .with_events(Arc::new(journal.clone()))
            .with_delivery_store(outbox.clone())
            .with_webhook_secrets(WebhookSecrets::new([app.webhook_secret])?)
            .build()?;
        let product = product::router(ProductConfig {
            api: addresses.api.clone(),
            key: acme.key.clone(),
            product: addresses.product.clone(),
            return_url: addresses.return_url.clone(),
            github: addresses.github.clone(),
            journal: journal.clone(),
            // With this policy the example's installation must survive a detach: GitHub never reuses an id.
            uninstall: policy != ClaimPolicy::State,
        })?;
        let worker = Worker::builder(dockline.clone())
            .with_forwarder(outbox, Arc::new(journal), ForwardOptions::default().with_idle_pause(MESSAGES))
            .with_drain_timeout(DRAIN)
            .build();
        let refresher = worker.refresh_queue();
        let options = RouterOptions::default().with_refresh_queue(refresher.clone());
        let router = dockline_axum::router(dockline, options)?.merge(product);

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let worker = worker.run(until_stopped(stopped.clone()));
        tasks.spawn(async {
            worker.await;
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server =
            axum::serve(api_listener, service).with_graceful_shutdown(until_stopped(stopped.clone()));
        tasks.spawn(async {
            if let Err(error) = server.await {
                tracing::error!(%error, "the API stopped");
            }
        });
        // The simulator brings its own server, since its faults include dropped connections.
        tasks.spawn(sim.clone().serve(github_listener, until_stopped(stopped)));
        tracing::info!(api = addresses.api, github = addresses.github, ?policy, "demo started");
        Ok(Self { addresses, acme, rival, policy, sim, refresher, stop, tasks })
    }

    /// Returns the URLs of the parts.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Returns the organization that the product page belongs to.
    #[must_use]
    pub const fn acme(&self) -> &Tenant {
        &self.acme
    }

    /// Returns another organization of the same product, which tries to bind acme's installation.
    #[must_use]
    pub const fn rival(&self) -> &Tenant {
        &self.rival
    }

    /// Returns the claim policy.
    #[must_use]
    pub const fn policy(&self) -> ClaimPolicy {
        self.policy
    }

    /// Returns the simulated GitHub.
    #[must_use]
    pub const fn sim(&self) -> &GithubSim {
        &self.sim
    }

    /// Waits until all webhooks are delivered and their hints are processed.
    pub async fn settled(&self) {
        self.sim.settled().await;
        self.refresher.idle().await;
    }

    /// Finishes running requests and frees both ports. Aborts what takes longer than a second.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        // The worker's drain and the servers' each end within the bound.
        if timeout(DRAIN * 2, finished).await.is_err() {
            tracing::warn!("open connections were aborted");
        }
    }
}

/// Completes when the demo is stopped or dropped.
async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn tenant(
    keys: &MemoryKeyStore,
    organization: &str,
    name: &'static str,
) -> Result<Tenant, Box<dyn Error + Send + Sync>> {
    let organization = OrganizationId::new(organization)?;
    let key = ApiKey::mint(KeyEnvironment::Test, &OsEntropy)?;
    keys.put(KeyRecord {
        id: key.id().clone(),
        environment: key.environment(),
        secret_hash: key.secret_hash(),
        organization: organization.clone(),
        organization_name: name.parse()?,
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::partner(),
        return_hosts: ["127.0.0.1", "localhost", "::1", "app.example.com"].map(str::to_owned).into(),
        revoked_at: None,
        expires_at: None,
    });
    Ok(Tenant { organization, name, key: key.expose() })
}

fn gateway(github: &str, app: &AppCredentials) -> Result<GithubApp, Box<dyn Error + Send + Sync>> {
    let config = GithubAppConfig::new(AppId::new(app.app_id)?, app.slug.clone(), app.private_key_pem.clone())
        .with_host(GithubHost::at(github, &format!("{github}/api/v3"))?)
        .with_oauth_client(app.client_id.clone(), app.client_secret.clone());
    Ok(GithubApp::new(config)?)
}
