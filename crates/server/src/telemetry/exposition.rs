//! `/metrics`: the response to a scrape, and a separate address for it.

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use dockline::Dockline;
use dockline::ports::GithubGateway;
use dockline_axum::Exposition;
use dockline_listener::Limits;
use dockline_telemetry::{record_rate_left, record_token_cache_hits};
use http::header;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::http_server;
use crate::storage::StorageMetrics;

/// The media type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves `/metrics`, and nothing else, forever.
pub(crate) async fn serve_metrics(socket: TcpListener, exposition: Arc<dyn Exposition>) {
    let metrics = move || async move {
        ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], exposition.render())
    };
    let router = Router::new().route("/metrics", get(metrics));
    http_server::serve(socket, router, Limits::default(), pending()).await;
}

/// The sources of the metrics that are read at each scrape.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) dockline: Dockline,
    pub(crate) github: Arc<dyn GithubGateway>,
    pub(crate) storage: StorageMetrics,
}

impl Sources {
    fn record(&self) {
        record_token_cache_hits(self.dockline.token_cache_hits());
        record_rate_left(self.github.rate_left());
        self.storage.record();
    }
}

pub(super) struct PrometheusExposition {
    handle: PrometheusHandle,
    sources: Sources,
}

impl PrometheusExposition {
    pub(super) const fn new(handle: PrometheusHandle, sources: Sources) -> Self {
        Self { handle, sources }
    }
}

impl Exposition for PrometheusExposition {
    fn render(&self) -> String {
        self.sources.record();
        self.handle.render()
    }
}

impl fmt::Debug for PrometheusExposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrometheusExposition")
    }
}
