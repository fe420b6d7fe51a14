//! Everything that changes, behind one lock.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration as StdDuration;

use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::model::Model;
use crate::outbox::Outbox;
use crate::requests::RequestLog;
use crate::urls::Urls;

/// How a [`GithubSim`](crate::GithubSim) presents itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What comes before every address in answers and pages, such as `http://github.example:8080`; none: `http://` and the request's Host.
    pub base_url: Option<String>,
    /// How long a receiver may take to answer a webhook delivery. github.com waits 10 s, an enterprise server 30 s.
    pub webhook_timeout: StdDuration,
}

impl Default for Config {
    fn default() -> Self {
        Self { base_url: None, webhook_timeout: StdDuration::from_secs(10) }
    }
}

impl Config {
    /// Addresses begin with this, without a slash at the end.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = Some(base_url.trim_end_matches('/').to_owned());
        self
    }

    /// Another time for receivers of webhook deliveries.
    #[must_use]
    pub fn with_webhook_timeout(mut self, timeout: StdDuration) -> Self {
        self.webhook_timeout = timeout;
        self
    }
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) model: Model,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) outbox: Outbox,
    pub(crate) allowance: Allowance,
}

impl World {
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}

/// The hourly limit as the headers tell it: counted for the whole simulator, and never enforced.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    window: Option<OffsetDateTime>,
    used: u32,
}

impl Allowance {
    /// Counts a request; the number used and the reset time as epoch seconds.
    pub(crate) fn count(&mut self, now: OffsetDateTime) -> (u32, i64) {
        let hour = Duration::hours(1);
        let begun = self.window.filter(|begun| *begun <= now && now < *begun + hour);
        if begun.is_none() {
            self.used = 0;
        }
        self.used = self.used.saturating_add(1);
        let begun = *self.window.insert(begun.unwrap_or(now));
        (self.used, (begun + hour).unix_timestamp())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    world: Mutex<World>,
    /// The first address that it was served at.
    served_at: OnceLock<String>,
    /// Something may be posted.
    pub(crate) mail: Notify,
    /// Whoever posts what waits holds this, so that it goes out one by one.
    pub(crate) courier: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self { config, ..Self::default() })
    }

    /// Addresses that begin with `web`, unless the configuration names others.
    pub(crate) fn serve_at(&self, web: String) {
        self.served_at.get_or_init(|| web);
    }

    /// The bases of addresses where no request names them.
    pub(crate) fn urls(&self) -> Urls {
        let web = self.config.base_url.as_ref().or_else(|| self.served_at.get());
        Urls::of(web.cloned().unwrap_or_else(|| "http://localhost".to_owned()))
    }

    /// Without a word to anybody about what changes; see [`Guard`](crate::webhook::Guard). Never held over an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
