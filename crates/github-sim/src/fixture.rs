//! The state of a simulator, behind one lock.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Config;
use crate::git::store::GitStore;
use crate::model::Model;
use crate::traffic::faults::Faults;
use crate::traffic::rate_limit::RateLimits;
use crate::traffic::request_log::RequestLog;
use crate::urls::Urls;
use crate::webhook::delivery_queue::DeliveryQueue;
use crate::webhook::queue_deliveries;

/// Everything that changes.
#[derive(Debug, Default)]
pub(crate) struct Fixture {
    pub(crate) clock: Clock,
    pub(crate) model: Model,
    pub(crate) faults: Faults,
    pub(crate) log: RequestLog,
    pub(crate) delivery_queue: DeliveryQueue,
    pub(crate) rate_limits: RateLimits,
}

impl Fixture {
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}

/// The part that all clones of a [`GithubSim`](crate::GithubSim) share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) git: GitStore,
    fixture: Mutex<Fixture>,
    /// The base URL of the first listener.
    served_at: OnceLock<String>,
    /// Notified when a delivery becomes due.
    pub(crate) delivery_ready: Notify,
    /// Held while deliveries are sent, so that they are sent one at a time.
    pub(crate) sending: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let git = GitStore::new(config.git.clone());
        Arc::new(Self {
            config,
            git,
            fixture: Mutex::default(),
            served_at: OnceLock::new(),
            delivery_ready: Notify::new(),
            sending: tokio::sync::Mutex::new(()),
        })
    }

    /// Sets the base of URLs outside of requests. The first call wins; [`Config::base_url`] takes precedence.
    pub(crate) fn set_served_at(&self, base_url: String) {
        self.served_at.get_or_init(|| base_url);
    }

    /// Returns the bases of URLs outside of requests.
    pub(crate) fn urls(&self) -> Urls {
        let web = self.config.base_url.as_ref().or_else(|| self.served_at.get());
        Urls::at(web.cloned().unwrap_or_else(|| "http://localhost".to_owned()))
    }

    /// Locks the state, as it is at the current time. The lock must not be held over an await.
    pub(crate) fn lock(&self) -> FixtureGuard<'_> {
        let mut fixture = self.fixture.lock().unwrap_or_else(PoisonError::into_inner);
        let now = fixture.now();
        fixture.model.remove_due(now);
        FixtureGuard { fixture, shared: self }
    }
}

/// The locked state. Dropping it queues the webhook deliveries of all changes, so that no other thread sees a change before them.
#[derive(Debug)]
pub(crate) struct FixtureGuard<'a> {
    fixture: MutexGuard<'a, Fixture>,
    shared: &'a Shared,
}

impl Deref for FixtureGuard<'_> {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

impl DerefMut for FixtureGuard<'_> {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.fixture
    }
}

impl Drop for FixtureGuard<'_> {
    fn drop(&mut self) {
        let now = self.fixture.now();
        self.fixture.model.remove_due(now);
        queue_deliveries(&mut self.fixture, &self.shared.urls());
        if self.fixture.delivery_queue.next(self.fixture.now()).is_some() {
            self.shared.delivery_ready.notify_one();
        }
    }
}
