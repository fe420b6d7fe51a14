//! Everything that changes, behind one lock.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration as StdDuration;

use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::git::store::GitStore;
use crate::model::Model;
use crate::model::installation_token::TokenFormat;
use crate::outbox::Outbox;
use crate::rate_limit::RateLimits;
use crate::requests::RequestLog;
use crate::urls::Urls;

/// How a [`GithubSim`](crate::GithubSim) presents itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// What comes before every address in answers and pages, such as `http://github.example:8080`; none: `http://` and the request's Host.
    pub base_url: Option<String>,
    /// How long a receiver may take to answer a webhook delivery; none: 10 s, as on github.com. An enterprise server waits 30 s.
    pub webhook_timeout: Option<StdDuration>,
    /// How installation tokens look, until [`set_token_format`](crate::GithubSim::set_token_format).
    pub token_format: TokenFormat,
    /// The program `git`, by its name or path; none: `git`, wherever the `PATH` has it.
    pub git: Option<PathBuf>,
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
        self.webhook_timeout = Some(timeout);
        self
    }

    /// How installation tokens look.
    #[must_use]
    pub fn with_token_format(mut self, format: TokenFormat) -> Self {
        self.token_format = format;
        self
    }

    /// The program `git`, by its name or path.
    #[must_use]
    pub fn with_git(mut self, program: impl Into<PathBuf>) -> Self {
        self.git = Some(program.into());
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
    pub(crate) rate_limits: RateLimits,
}

impl World {
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) git: GitStore,
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
        let mut world = World::default();
        world.model.installation_tokens.format = config.token_format;
        let git = GitStore::new(config.git.clone());
        Arc::new(Self {
            config,
            git,
            world: Mutex::new(world),
            served_at: OnceLock::new(),
            mail: Notify::new(),
            courier: tokio::sync::Mutex::new(()),
        })
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
