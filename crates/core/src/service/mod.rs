//! The use cases, as methods of [`Dockline`].

mod authenticate;
mod directory;
mod fresh_secrets;
mod github_calls;
mod install_flow;
mod lifecycle;
mod no_states;
mod refusals;
mod registration;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use time::{Duration, OffsetDateTime, UtcOffset};

pub use authenticate::{Authenticated, AuthenticatedKey};
pub use install_flow::*;
pub use lifecycle::*;
pub use registration::*;
pub use tokens::*;

use self::github_calls::GithubCalls;
use self::lifecycle::HandOver;
use self::no_states::NoStates;
use self::refusals::Refusals;
use crate::cache::Cache;
use crate::error::BuildError;
use crate::model::{ClaimPolicy, Proof, WebhookSecrets};
use crate::ports::{
    Admission, BindingRepo, Clock, DeliverySink, DeliveryStore, Directory, Entropy, Event, Events,
    GithubGateway, KeyStore, KeyUsage, NoEvents, NoKeyUsage, OsEntropy, RateLimiter, StateStore, SystemClock,
};
use crate::rules::{claim, life};

/// The capacity of the token cache.
const MOST_TOKENS: usize = 10_000;

/// The capacity of the cache of repository lists.
const MOST_LISTINGS: usize = 64;

/// The capacity of the cache of looks that callers caused.
const MOST_LOOKS: usize = 10_000;

/// The capacity of the cache of interrupted readings of repositories.
const MOST_READINGS: usize = 16;

/// The ports that every host provides. Exhaustive, so that a forgotten port does not compile.
#[derive(Debug, Clone)]
pub struct Ports {
    /// Stores issued states.
    pub states: Arc<dyn StateStore>,
    /// Stores bindings.
    pub bindings: Arc<dyn BindingRepo>,
    /// Calls GitHub.
    pub github: Arc<dyn GithubGateway>,
}

/// The use cases over a host's ports. A clone is another handle to the same instance.
#[derive(Debug, Clone)]
pub struct Dockline(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    ports: Ports,
    keys: Option<Arc<dyn KeyStore>>,
    admission: Option<Arc<dyn Admission>>,
    limiter: Option<Arc<dyn RateLimiter>>,
    directory: Option<Arc<dyn Directory>>,
    events: Arc<dyn Events>,
    usage: Arc<dyn KeyUsage>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    policy: ClaimPolicy,
    confirmation: bool,
    unsolicited_install_url: Option<String>,
    webhook_secrets: WebhookSecrets,
    hand_over: Option<HandOver>,
    token_revocation: bool,
    look_interval: Duration,
    tokens: Tokens,
    cache_hits: AtomicU64,
    listings: Listings,
    readings: Readings,
    looks: Looks,
    github_calls: GithubCalls,
    refusals: Refusals,
}

/// Builds a [`Dockline`].
#[derive(Debug)]
#[must_use = "call build()"]
pub struct Builder {
    parts: Parts,
    for_jobs: bool,
}

impl Dockline {
    /// Starts with the required ports. Defaults: policy [`ClaimPolicy::Controlled`], confirmation on, no webhook secrets, no
    /// API keys, no rate limit, no events, no record of key usage, the clock and the random generator of the machine.
    pub fn builder(ports: Ports) -> Builder {
        let parts = Parts {
            ports,
            keys: None,
            admission: None,
            limiter: None,
            directory: None,
            events: Arc::new(NoEvents),
            usage: Arc::new(NoKeyUsage),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            policy: ClaimPolicy::default(),
            confirmation: true,
            unsolicited_install_url: None,
            webhook_secrets: WebhookSecrets::none(),
            hand_over: None,
            token_revocation: false,
            look_interval: life::LOOK_INTERVAL,
            tokens: Cache::new(MOST_TOKENS),
            cache_hits: AtomicU64::default(),
            listings: Cache::new(MOST_LISTINGS),
            readings: Cache::new(MOST_READINGS),
            looks: Cache::new(MOST_LOOKS),
            github_calls: GithubCalls::default(),
            refusals: Refusals::default(),
        };
        Builder { parts, for_jobs: false }
    }

    /// Starts a [`Dockline`] for background jobs: refresh, reconciliation, tokens and repositories. It has no state store, so
    /// it refuses every visitor and every first registration under any policy; therefore [`Builder::build`] does not require
    /// an OAuth client.
    pub fn for_jobs(bindings: Arc<dyn BindingRepo>, github: Arc<dyn GithubGateway>) -> Builder {
        let mut builder = Self::builder(Ports { states: Arc::new(NoStates), bindings, github });
        builder.for_jobs = true;
        builder
    }

    /// Returns the claim policy.
    #[must_use]
    pub fn policy(&self) -> ClaimPolicy {
        self.0.policy
    }

    /// Returns the current time in UTC and whole microseconds, the precision of databases, so that a value is the same
    /// before and after it is stored.
    fn now(&self) -> OffsetDateTime {
        self.0.clock.now().to_offset(UtcOffset::UTC).truncate_to_microsecond()
    }

    fn record(&self, event: &Event) {
        self.0.events.record(event);
    }
}

impl Builder {
    /// Sets the claim policy. Read the warning of [`ClaimPolicy::State`] before you choose it.
    pub const fn with_policy(mut self, policy: ClaimPolicy) -> Self {
        self.parts.policy = policy;
        self
    }

    /// Sets whether the visitor is asked for a confirmation. With `false` the host has to ask: otherwise **an administrator
    /// who follows an attacker's install link connects their own account to the attacker's organization**.
    pub const fn with_confirmation(mut self, confirmation: bool) -> Self {
        self.parts.confirmation = confirmation;
        self
    }

    /// Sets the page of the product for visitors who installed the App without an install link, such as from its page
    /// at GitHub. They are redirected there with `installation_id`, which proves nothing: let them sign in, request an
    /// install link, and redirect them to the callback with its `state` and the `installation_id`. Without such a page
    /// they are refused.
    pub fn with_unsolicited_install_url(mut self, url: impl Into<String>) -> Self {
        self.parts.unsolicited_install_url = Some(url.into());
        self
    }

    /// Sets the webhook secrets. Without any, every delivery is rejected.
    pub fn with_webhook_secrets(mut self, secrets: WebhookSecrets) -> Self {
        self.parts.webhook_secrets = secrets;
        self
    }

    /// Stores verified deliveries for the product in an outbox, whose consumer hands them over. Replaces an earlier store or
    /// sink.
    pub fn with_delivery_store(mut self, store: Arc<dyn DeliveryStore>) -> Self {
        self.parts.hand_over = Some(HandOver::Store(store));
        self
    }

    /// Hands verified deliveries to the host's own sink, with the organization that is bound to the installation. Replaces an
    /// earlier store or sink.
    pub fn with_delivery_sink(mut self, sink: Arc<dyn DeliverySink>) -> Self {
        self.parts.hand_over = Some(HandOver::Sink(sink));
        self
    }

    /// Sets whether a detach also revokes the cached tokens of the installation at GitHub. Off by default: after a detach no
    /// token is served in any case, and tokens expire within an hour. The detach succeeds even if GitHub is down.
    pub const fn with_token_revocation(mut self, token_revocation: bool) -> Self {
        self.parts.token_revocation = token_revocation;
        self
    }

    /// Sets the time after which a sweep looks at a binding again: an hour by default. An installation that GitHub does
    /// not show is looked up on its own schedule.
    pub fn with_look_interval(mut self, interval: std::time::Duration) -> Self {
        self.parts.look_interval = interval.try_into().unwrap_or(life::LOOK_INTERVAL);
        self
    }

    /// Sets the store of API keys. Leave it out if the host authenticates callers itself.
    pub fn with_api_keys(mut self, keys: Arc<dyn KeyStore>) -> Self {
        self.parts.keys = Some(keys);
        self
    }

    /// Sets an adapter that authenticates API keys in one call: it finds the key, charges its budget and reads the
    /// binding of its organization. Replaces the key store and the rate limiter for requests with an API key;
    /// [`Dockline::charge`] still needs the rate limiter.
    pub fn with_admission(mut self, admission: Arc<dyn Admission>) -> Self {
        self.parts.admission = Some(admission);
        self
    }

    /// Sets the rate limiter. Without one, requests are not limited.
    pub fn with_rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.parts.limiter = Some(limiter);
        self
    }

    /// Sets the store of facts for display: permissions, the selection of repositories, who suspended an installation
    /// and the link to its settings. Without one, they are not stored. It has to read the store of [`Ports::bindings`],
    /// which stores those of a new binding.
    pub fn with_directory(mut self, directory: Arc<dyn Directory>) -> Self {
        self.parts.directory = Some(directory);
        self
    }

    /// Sets the receiver of events.
    pub fn with_events(mut self, events: Arc<dyn Events>) -> Self {
        self.parts.events = events;
        self
    }

    /// Sets the recorder of key usage.
    pub fn with_key_usage(mut self, usage: Arc<dyn KeyUsage>) -> Self {
        self.parts.usage = usage;
        self
    }

    /// Replaces the clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = clock;
        self
    }

    /// Replaces the random generator.
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.parts.entropy = entropy;
        self
    }

    /// Builds the instance.
    ///
    /// # Errors
    /// [`BuildError::PolicyNeedsOauthClient`] if the policy needs visitors to be identified, and the gateway has no OAuth
    /// client for it.
    pub fn build(self) -> Result<Dockline, BuildError> {
        let needs_visitor = !claim::suffices(Proof::State, self.parts.policy);
        if needs_visitor && !self.for_jobs && !self.parts.ports.github.registration().has_oauth_client() {
            return Err(BuildError::PolicyNeedsOauthClient);
        }
        Ok(Dockline(Arc::new(self.parts)))
    }
}
