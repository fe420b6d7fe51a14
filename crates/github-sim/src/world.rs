//! Everything that changes, behind one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::clock::Clock;
use crate::fault::Faults;
use crate::model::Model;
use crate::requests::RequestLog;

/// How a [`GithubSim`](crate::GithubSim) presents itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// What comes before every address in answers and pages, such as `http://github.example:8080`; none: `http://` and the request's Host.
    pub base_url: Option<String>,
}

impl Config {
    /// Addresses begin with this, without a slash at the end.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = Some(base_url.trim_end_matches('/').to_owned());
        self
    }
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) model: Model,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
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
}

impl Shared {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self { config, world: Mutex::default() })
    }

    /// Never held over an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
