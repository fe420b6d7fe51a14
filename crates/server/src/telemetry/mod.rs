//! What `serve` tells of itself: logs, metrics and, where it was built in, traces.

mod census;
#[cfg(test)]
mod documented;
mod exposition;
mod github;
pub(crate) mod listener;
mod options;
#[cfg(feature = "otel")]
pub(crate) mod otel;
mod tracer;

use std::net::SocketAddr;
use std::sync::Arc;

use dockline::ports::{Clock, SystemClock};
use dockline_axum::Exposition;
use dockline_telemetry::{DURATION_BUCKETS, record_process};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub(crate) use census::keep as count_bindings;
pub(crate) use exposition::Sources;
pub(crate) use github::Gateway;
pub use options::{MetricsAt, TelemetryArgs};
pub(crate) use tracer::Tracer;

use exposition::Scraped;

/// The recorder that the `metrics` facade writes into.
#[derive(Debug, Clone)]
pub struct Metrics(Recorded);

#[derive(Clone)]
struct Recorded(PrometheusHandle);

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrometheusHandle")
    }
}

/// Describes all metrics of `serve` to the installed recorder.
pub fn describe() {
    dockline_telemetry::describe_metrics();
    dockline_axum::describe_metrics();
    dockline_worker::describe_metrics();
}

/// A recorder with this service's buckets.
///
/// # Errors
/// Never, as long as there are buckets.
pub fn prometheus() -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, DURATION_BUCKETS)
}

impl Metrics {
    /// Installs the recorder for this process, which can be done once, and describes everything that is counted.
    ///
    /// # Errors
    /// Where another one is installed.
    pub fn install() -> Result<Self, BuildError> {
        let handle = prometheus()?.install_recorder()?;
        Ok(Self::of(handle))
    }

    fn of(handle: PrometheusHandle) -> Self {
        describe();
        record_process(env!("CARGO_PKG_VERSION"), SystemClock.now());
        Self(Recorded(handle))
    }

    /// What a scrape is answered with: what was counted, and what `sources` say at that moment.
    pub(crate) fn exposition(&self, sources: Sources) -> Arc<dyn Exposition> {
        Arc::new(Scraped::new(self.0.0.clone(), sources))
    }

    /// Folds what was recorded since the last time, so that it does not grow where nobody scrapes.
    pub(crate) fn fold(&self) {
        self.0.0.run_upkeep();
    }
}

/// Where `/metrics` is to be, for an API that listens on `api`: on the API itself only where nobody outside this machine
/// reaches it, or somebody asked for it.
#[must_use]
pub fn is_on_api(asked: Option<MetricsAt>, api: SocketAddr) -> bool {
    match asked {
        Some(MetricsAt::Api) => true,
        Some(MetricsAt::Off | MetricsAt::Address(_)) => false,
        None => api.ip().is_loopback(),
    }
}
