//! The exposition at `/metrics`.

use std::fmt;
use std::sync::Arc;

use dockline::Dockline;
use dockline::ports::GithubGateway;
use dockline_axum::Exposition;
use dockline_postgres::Pool;
use dockline_telemetry::{PoolState, record_pool, record_rate_left, record_token_cache_hits};
use metrics_exporter_prometheus::PrometheusHandle;

/// The sources of the metrics that are read at each scrape.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) dockline: Dockline,
    pub(crate) github: Arc<dyn GithubGateway>,
    pub(crate) pool: Pool,
}

impl Sources {
    fn record(&self) {
        record_token_cache_hits(self.dockline.token_cache_hits());
        record_rate_left(self.github.rate_left());
        let pool = self.pool.status();
        record_pool(PoolState {
            max: pool.max_size,
            open: pool.size,
            idle: pool.available,
            waiting: pool.waiting,
        });
    }
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
        self.sources.record();
        self.handle.render()
    }
}

impl fmt::Debug for Scraped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scraped")
    }
}
