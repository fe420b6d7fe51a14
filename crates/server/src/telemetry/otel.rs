//! Export of spans to a collector, by OTLP over HTTP.

mod client;

use std::sync::Arc;
use std::time::Duration;

use dockline_axum::{TraceLinks, TraceParent};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState, TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Layer;

use crate::logging::ExtraLayer;

/// Time for the collector to accept a batch, and for the last one at shutdown.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends spans in batches.
#[derive(Debug)]
pub(crate) struct SpanSender(SdkTracerProvider);

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OtelError {
    #[error("--otel-endpoint is not a URL: write it as http://127.0.0.1:4318, without /v1/traces")]
    Endpoint(#[source] ExporterBuildError),
    #[error("--otel-endpoint: the HTTP client cannot be created: {0}")]
    Client(String),
}

impl SpanSender {
    /// Creates an exporter to the collector at `endpoint`. Must be called on the Tokio runtime that will send.
    pub(crate) fn new(endpoint: &str) -> Result<Self, OtelError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client::RuntimeClient::new(TIMEOUT).map_err(OtelError::Client)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .build()
            .map_err(OtelError::Endpoint)?;
        let resource = Resource::builder().with_service_name("dockline").build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// Returns the layer that exports Dockline's spans, independent of `RUST_LOG`.
    pub(crate) fn layer(&self) -> ExtraLayer {
        let ours = Targets::new().with_default(LevelFilter::OFF).with_target("dockline", LevelFilter::DEBUG);
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("dockline"));
        layer.with_location(false).with_threads(false).with_filter(ours).boxed()
    }

    /// Returns the hook that links requests to their callers' traces.
    pub(crate) fn links() -> Arc<dyn TraceLinks> {
        Arc::new(Links)
    }

    /// Sends the remaining spans, until the timeout.
    pub(crate) async fn shutdown(self) {
        // The exporter blocks its thread until this runtime has sent the request.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(TIMEOUT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("sending the last spans failed");
        }
    }
}

/// Adds a link, not a parent, so that callers choose neither the id nor the sampling of Dockline's traces.
#[derive(Debug)]
struct Links;

impl TraceLinks for Links {
    fn link(&self, span: &Span, caller: &TraceParent) {
        let flags = if caller.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let (trace, from) = (TraceId::from_bytes(caller.trace_id), SpanId::from_bytes(caller.span_id));
        span.add_link(SpanContext::new(trace, from, flags, true, TraceState::default()));
    }
}
