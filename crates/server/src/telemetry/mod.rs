//! Metrics of `serve` and, with the feature `otel`, traces.

mod binding_counts;
#[cfg(test)]
mod documented;
mod exposition;
mod options;
#[cfg(feature = "otel")]
pub(crate) mod otel;
mod tracer;

use std::net::SocketAddr;
use std::sync::Arc;

use dockline::ports::{Clock, SystemClock};
use dockline_axum::Exposition;
use dockline_github::{CompletedCall, Observer};
use dockline_telemetry::{DURATION_BUCKETS, record_github_call, record_jwt_signature, record_process};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub(crate) use binding_counts::count_bindings;
pub(crate) use exposition::{Sources, serve_metrics};
pub use options::{MetricsAt, TelemetryArgs};
pub(crate) use tracer::Tracer;

use exposition::PrometheusExposition;

/// The installed recorder of the `metrics` facade.
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

/// Returns a recorder with Dockline's histogram buckets.
///
/// # Errors
/// Fails only for an empty list of buckets, which this crate has none of.
pub fn prometheus() -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, DURATION_BUCKETS)
}

impl Metrics {
    /// Installs the recorder of this process and describes all metrics.
    ///
    /// # Errors
    /// If a recorder is installed already.
    pub fn install() -> Result<Self, BuildError> {
        let handle = prometheus()?.install_recorder()?;
        describe();
        record_process(env!("CARGO_PKG_VERSION"), SystemClock.now());
        Ok(Self(Recorded(handle)))
    }

    /// Returns the response to scrapes: the recorded metrics, and those of `sources` at that moment.
    pub(crate) fn exposition(&self, sources: Sources) -> Arc<dyn Exposition> {
        Arc::new(PrometheusExposition::new(self.0.0.clone(), sources))
    }

    /// Aggregates recorded samples, so that memory does not grow without scrapes.
    pub(crate) fn run_upkeep(&self) {
        self.0.0.run_upkeep();
    }
}

/// Returns whether the API listening on `api` serves `/metrics` too: if configured, and by default only on a loopback
/// address.
#[must_use]
pub fn is_on_api(configured: Option<MetricsAt>, api: SocketAddr) -> bool {
    match configured {
        Some(MetricsAt::Api) => true,
        Some(MetricsAt::Off | MetricsAt::Address(_)) => false,
        None => api.ip().is_loopback(),
    }
}

/// Counts requests to GitHub and signatures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GithubMetrics;

impl Observer for GithubMetrics {
    fn call_completed(&self, call: CompletedCall) {
        record_github_call(call.operation.as_str(), call.outcome.as_str(), call.duration);
    }

    fn jwt_signed(&self) {
        record_jwt_signature();
    }
}
