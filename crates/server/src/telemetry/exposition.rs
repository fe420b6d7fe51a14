//! What a scrape is answered with.

use std::fmt;
use std::sync::Arc;

use dockline::Dockline;
use dockline::ports::GithubGateway;
use dockline_axum::Exposition;
use dockline_postgres::Pool;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusHandle;

use super::names;

/// What is read when somebody looks: counters of others, and what would be stale a second later.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) dockline: Dockline,
    pub(crate) github: Arc<dyn GithubGateway>,
    pub(crate) pool: Pool,
}

impl Sources {
    fn read(&self) {
        counter!(names::TOKENS_SERVED_AGAIN).absolute(self.dockline.token_cache_hits());
        if let Some(left) = self.github.rate_left() {
            gauge!(names::GITHUB_RATE_LIMIT).set(number(left.limit));
            gauge!(names::GITHUB_RATE_LEFT).set(number(left.remaining));
            let resets_at = u64::try_from(left.resets_at.unix_timestamp()).unwrap_or_default();
            gauge!(names::GITHUB_RATE_RESET).set(number(resets_at));
        }
        let pool = self.pool.status();
        let count = |count: usize| number(count as u64);
        gauge!(names::POOL_MOST).set(count(pool.max_size));
        gauge!(names::POOL_CONNECTIONS, "state" => "idle").set(count(pool.available));
        let in_use = pool.size.saturating_sub(pool.available);
        gauge!(names::POOL_CONNECTIONS, "state" => "in_use").set(count(in_use));
        gauge!(names::POOL_WAITING).set(count(pool.waiting));
    }
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^53")]
pub(super) const fn number(count: u64) -> f64 {
    count as f64
}

pub(super) struct Scraped {
    handle: PrometheusHandle,
    sources: Sources,
}

impl Scraped {
    pub(super) const fn new(handle: PrometheusHandle, sources: Sources) -> Self {
        Self { handle, sources }
    }
}

impl Exposition for Scraped {
    fn render(&self) -> String {
        self.sources.read();
        self.handle.render()
    }
}

impl fmt::Debug for Scraped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scraped")
    }
}
