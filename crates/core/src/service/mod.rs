//! The use cases, one a file, all of them methods of [`Dockline`].

mod authenticate;
mod install_flow;
mod lifecycle;
mod mint;
mod no_states;
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

use self::no_states::NoStates;
use crate::cache::Cache;
use crate::error::BuildError;
use crate::model::{ClaimPolicy, Proof, WebhookSecrets};
use crate::ports::{
    BindingRepo, Clock, Entropy, Event, Events, GithubGateway, KeyStore, KeyUsage, NoEvents, NoKeyUsage,
    OsEntropy, RateLimiter, StateStore, SystemClock,
};
use crate::rules::claim;

/// How many tokens are kept.
const MOST_TOKENS: usize = 10_000;

/// How many installations' repositories are kept.
const MOST_LISTINGS: usize = 64;

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

/// The use cases over a host's ports. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct Dockline {
    ports: Ports,
    keys: Option<Arc<dyn KeyStore>>,
    limiter: Option<Arc<dyn RateLimiter>>,
    events: Arc<dyn Events>,
    usage: Arc<dyn KeyUsage>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    policy: ClaimPolicy,
    confirmation: bool,
    webhook_secrets: Arc<WebhookSecrets>,
    token_revocation: bool,
    tokens: Tokens,
    served: Arc<AtomicU64>,
    listings: Listings,
}

/// Puts a [`Dockline`] together.
#[derive(Debug)]
#[must_use = "call build()"]
pub struct Builder {
    dockline: Dockline,
    for_jobs: bool,
}

impl Dockline {
    /// Starts from the required ports. Defaults: policy [`ClaimPolicy::Controlled`], confirmation on, no API keys, no rate
    /// limit, no events, no record of key usage, the machine's clock and randomness.
    pub fn builder(ports: Ports) -> Builder {
        let dockline = Self {
            ports,
            keys: None,
            limiter: None,
            events: Arc::new(NoEvents),
            usage: Arc::new(NoKeyUsage),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            policy: ClaimPolicy::default(),
            confirmation: true,
            webhook_secrets: Arc::new(WebhookSecrets::none()),
            token_revocation: false,
            tokens: Cache::new(MOST_TOKENS),
            served: Arc::default(),
            listings: Cache::new(MOST_LISTINGS),
        };
        Builder { dockline, for_jobs: false }
    }

    /// Starts a [`Dockline`] for background jobs: looking installations up, reconciling, tokens, repositories. It has no
    /// states and no API keys, so it refuses every visitor and every first registration, whatever the policy; therefore
    /// [`Builder::build`] asks for no OAuth client.
    pub fn for_jobs(bindings: Arc<dyn BindingRepo>, github: Arc<dyn GithubGateway>) -> Builder {
        let mut builder = Self::builder(Ports { states: Arc::new(NoStates), bindings, github });
        builder.for_jobs = true;
        builder
    }

    /// The least proof that a first binding needs.
    #[must_use]
    pub const fn policy(&self) -> ClaimPolicy {
        self.policy
    }

    /// The time now, in UTC and whole microseconds: what a database keeps, so that an answer made from the row equals
    /// one made before it was stored.
    fn now(&self) -> OffsetDateTime {
        let now = self.clock.now().to_offset(UtcOffset::UTC);
        now - Duration::nanoseconds(i64::from(now.nanosecond() % 1_000))
    }

    fn record(&self, event: &Event) {
        self.events.record(event);
    }
}

impl Builder {
    /// Asks for another least proof. See [`ClaimPolicy::State`] before you choose it.
    pub const fn with_policy(mut self, policy: ClaimPolicy) -> Self {
        self.dockline.policy = policy;
        self
    }

    /// `false` leaves the visitor's confirmation to the host: **an administrator who is lured to a stranger's install
    /// link then connects their own account to the stranger's organization** unless the host asks first (L-67).
    pub const fn with_confirmation(mut self, confirmation: bool) -> Self {
        self.dockline.confirmation = confirmation;
        self
    }

    /// The secrets with which GitHub signs its deliveries. Without any, every delivery is refused.
    pub fn with_webhook_secrets(mut self, secrets: WebhookSecrets) -> Self {
        self.dockline.webhook_secrets = Arc::new(secrets);
        self
    }

    /// Whether a detach also ends the tokens that are kept for the installation, at GitHub. Off by default: tokens are
    /// served no more after a detach in any case and end within the hour, and GitHub may be slow or down. A detach
    /// succeeds whatever GitHub says (L-60).
    pub const fn with_token_revocation(mut self, token_revocation: bool) -> Self {
        self.dockline.token_revocation = token_revocation;
        self
    }

    /// Authenticates callers by API keys from this store. Leave it out if the host authenticates callers itself.
    pub fn with_api_keys(mut self, keys: Arc<dyn KeyStore>) -> Self {
        self.dockline.keys = Some(keys);
        self
    }

    /// Limits requests per budget. Without a rate limiter, requests are not limited.
    pub fn with_rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.dockline.limiter = Some(limiter);
        self
    }

    /// Tells events to somebody.
    pub fn with_events(mut self, events: Arc<dyn Events>) -> Self {
        self.dockline.events = events;
        self
    }

    /// Tells somebody which keys are in use.
    pub fn with_key_usage(mut self, usage: Arc<dyn KeyUsage>) -> Self {
        self.dockline.usage = usage;
        self
    }

    /// Takes the time from somewhere else.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.dockline.clock = clock;
        self
    }

    /// Takes randomness from somewhere else.
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.dockline.entropy = entropy;
        self
    }

    /// Checks that the parts fit.
    ///
    /// # Errors
    /// [`BuildError::PolicyNeedsOauthClient`]: a policy that no visitor could ever meet is refused here, and never
    /// weakened (L-07).
    pub fn build(self) -> Result<Dockline, BuildError> {
        let needs_visitor = !claim::suffices(Proof::State, self.dockline.policy);
        if needs_visitor && !self.for_jobs && !self.dockline.ports.github.registration().has_oauth_client() {
            return Err(BuildError::PolicyNeedsOauthClient);
        }
        Ok(self.dockline)
    }
}
