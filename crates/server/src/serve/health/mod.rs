//! Whether this node should be sent requests.

mod credential;
mod fresh;
mod store;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{Clock, GithubGateway, SystemClock};
use dockline_axum::{Check, Readiness};
use dockline_postgres::Migrator;
use time::OffsetDateTime;

use credential::Credential;
use fresh::Fresh;
use store::Store;

/// How long what the database said is told again: probes of any number ask it once a second.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// What `/readyz` tells of a node of `dockline serve`.
#[derive(Debug)]
pub(super) struct Health {
    migrator: Migrator,
    github: Arc<dyn GithubGateway>,
    credential: Credential,
    store: Fresh<Store>,
    ending: AtomicBool,
    /// Since when each check stands as it does.
    standing: Mutex<HashMap<&'static str, (Option<&'static str>, OffsetDateTime)>>,
}

impl Health {
    /// GitHub has to have accepted the App's credential within `github_within`; where there is no such time, it is not
    /// asked.
    pub(super) fn new(
        migrator: Migrator,
        github: Arc<dyn GithubGateway>,
        github_within: Option<Duration>,
    ) -> Arc<Self> {
        Arc::new(Self {
            migrator,
            github,
            credential: Credential::new(github_within),
            store: Fresh::new(FRESH_FOR),
            ending: AtomicBool::new(false),
            standing: Mutex::new(HashMap::new()),
        })
    }

    /// Asks GitHub about the App's credential, for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        self.credential.watch(&*self.github).await;
    }

    /// From now on nobody should send anything here.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    fn check(&self, name: &'static str, failing: Option<&'static str>) -> Check {
        let now = SystemClock.now();
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = standing.get(name).copied();
        let since = match before {
            Some((told, since)) if told == failing => since,
            _ => now,
        };
        standing.insert(name, (failing, since));
        drop(standing);
        match (before.and_then(|(told, _)| told), failing) {
            (told, Some(cause)) if told != failing => tracing::warn!(check = name, cause, "not ready"),
            (Some(cause), None) => tracing::info!(check = name, was = cause, "ready again"),
            _ => {}
        }
        Check { name, failing, since }
    }
}

#[async_trait]
impl Readiness for Health {
    async fn checks(&self) -> Vec<Check> {
        if self.ending.load(Ordering::Relaxed) {
            // The rest is of no interest any more, and must not keep the answer waiting.
            return vec![self.check("process", Some("shutting_down"))];
        }
        let store = self.store.get(Store::look(&self.migrator)).await;
        vec![
            self.check("process", None),
            self.check("database", store.database),
            self.check("schema", store.schema),
            self.check("github", self.credential.failing()),
        ]
    }
}
