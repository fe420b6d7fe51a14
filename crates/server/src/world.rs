//! The demo's parts, wired and listening.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::OsEntropy;
use dockline::{
    ApiKey, AppId, ClaimPolicy, Dockline, KeyEnvironment, KeyRecord, OrganizationId, Ports, Scope, Tier,
    WebhookSecrets,
};
use dockline_axum::{RefreshOptions, Refresher, RouterOptions, TracingEvents};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{AppCredentials, GithubSim};
use dockline_listener::{Limits, ListenAddr, local_url, raise_open_file_limit};
use dockline_memory::{MemoryBindingRepo, MemoryKeyStore, MemoryRateLimiter, MemoryStateStore};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::github_sim::{ORGANIZATION, SLUG, populate};
use crate::http_server::{self, bind};
use crate::product::{self, ProductConfig};

/// The installation of the API page's example; it exists under [`ClaimPolicy::State`].
pub const SEED_INSTALLATION: u64 = 50_291_845;

/// The state of the API page's example.
pub const SEED_STATE: &str = "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK";

/// How long webhooks' hints are followed up at the end.
const DRAIN: Duration = Duration::from_secs(1);

/// Base URLs without a slash at the end, and the product's return URL.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The API.
    pub api: String,
    /// The simulated GitHub's pages.
    pub github: String,
    /// The product's page.
    pub product: String,
    /// Where browsers come back to the product.
    pub return_url: String,
}

/// An organization of the product, with its key.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub organization: OrganizationId,
    /// What its people call it; the confirmation page asks with it.
    pub name: &'static str,
    /// Its API key.
    pub key: SecretString,
}

/// A running demo. Dropping it ends it, [`stop`](Self::stop) ends it gently.
#[derive(Debug)]
pub struct Demo {
    addresses: Addresses,
    acme: Tenant,
    rival: Tenant,
    policy: ClaimPolicy,
    sim: GithubSim,
    app: AppCredentials,
    refresher: Refresher,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Demo {
    /// Listens and serves.
    ///
    /// # Errors
    /// With cause and mend; most likely a port is taken.
    pub async fn start(
        listen: ListenAddr,
        github_listen: ListenAddr,
        policy: ClaimPolicy,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let api_listener = bind("--listen", listen).await?;
        let github_listener = bind("--github-listen", github_listen).await?;
        let api = local_url(api_listener.local_addr()?);
        let github = local_url(github_listener.local_addr()?);
        let product = format!("{api}/product");
        let return_url = format!("{product}/connected");
        let addresses = Addresses { api, github, product, return_url };

        let sim = GithubSim::default();
        let callback = format!("{}/v1/github/installation/callback", addresses.api);
        let webhooks = format!("{}/v1/github/webhooks", addresses.api);
        let app = populate(&sim, SLUG, &callback, Some(&webhooks))?;
        if policy == ClaimPolicy::State {
            sim.install_as(SEED_INSTALLATION, app.app_id, ORGANIZATION, "olga")?;
        }

        let keys = MemoryKeyStore::new();
        let acme = tenant(&keys, "org_acme", "Acme Coffee (demo)")?;
        let rival = tenant(&keys, "org_rival", "Rival Roasters")?;
        let ports = Ports {
            keys: Arc::new(keys),
            states: Arc::new(MemoryStateStore::new()),
            bindings: Arc::new(MemoryBindingRepo::new()),
            github: Arc::new(gateway(&addresses.github, &app)?),
        };
        let dockline = Dockline::builder(ports)
            .with_policy(policy)
            .with_rate_limiter(Arc::new(MemoryRateLimiter::new()))
            .with_events(Arc::new(TracingEvents))
            .with_webhook_secrets(WebhookSecrets::new([app.webhook_secret.clone()])?)
            .build()?;
        let product = product::router(ProductConfig {
            api: addresses.api.clone(),
            key: acme.key.clone(),
            product: addresses.product.clone(),
            return_url: addresses.return_url.clone(),
            github: addresses.github.clone(),
            // The seed's installation must outlive a detachment: GitHub gives no number twice.
            uninstall: policy != ClaimPolicy::State,
        })?;
        let (refresher, refreshing) = Refresher::new(dockline.clone(), RefreshOptions::default());
        let options = RouterOptions::default().with_refresher(refresher.clone());
        let router = dockline_axum::router(dockline, options).merge(product);

        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        servers.spawn(refreshing);
        let limits = Limits::default();
        let max_connections = raise_open_file_limit(limits.max_connections);
        let limits = Limits { max_connections, ..limits };
        servers.spawn(http_server::serve(api_listener, router, limits, until(stopped.clone())));
        // Its own server, not ours: a simulated GitHub also has to cut connections, on demand.
        servers.spawn(sim.clone().serve(github_listener, until(stopped)));
        tracing::info!(api = addresses.api, github = addresses.github, ?policy, "the demo is running");
        Ok(Self { addresses, acme, rival, policy, sim, app, refresher, stop, servers })
    }

    /// Where everything is.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The organization that the product page belongs to.
    #[must_use]
    pub const fn acme(&self) -> &Tenant {
        &self.acme
    }

    /// Another organization of the same product, which would like to have acme's installation.
    #[must_use]
    pub const fn rival(&self) -> &Tenant {
        &self.rival
    }

    /// The least proof for a first binding.
    #[must_use]
    pub const fn policy(&self) -> ClaimPolicy {
        self.policy
    }

    /// The simulated GitHub.
    #[must_use]
    pub const fn sim(&self) -> &GithubSim {
        &self.sim
    }

    /// The App's number.
    #[must_use]
    pub const fn app_id(&self) -> u64 {
        self.app.app_id
    }

    /// Done when GitHub has told everything by webhook, and was asked about all of it.
    pub async fn settled(&self) {
        self.sim.settled().await;
        self.refresher.idle().await;
    }

    /// Lets running requests end, and returns when both ports are free again.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.refresher.drain(DRAIN).await;
        while self.servers.join_next().await.is_some() {}
    }
}

/// Done when the demo is told to stop, and when it is dropped.
async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn tenant(
    keys: &MemoryKeyStore,
    organization: &str,
    name: &'static str,
) -> Result<Tenant, Box<dyn Error + Send + Sync>> {
    let organization = OrganizationId::new(organization)?;
    let key = ApiKey::mint(KeyEnvironment::Test, &OsEntropy)?;
    keys.insert(KeyRecord {
        id: key.id().clone(),
        environment: key.environment(),
        secret_hash: key.secret_hash(),
        organization: organization.clone(),
        organization_name: name.to_owned(),
        scopes: vec![Scope::GithubAdmin],
        tier: Tier::partner(),
        allowed_return_domains: ["127.0.0.1", "localhost", "::1", "app.example.com"]
            .map(str::to_owned)
            .into(),
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
