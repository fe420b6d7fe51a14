//! Spans to a collector, by OTLP over HTTP.

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

use crate::logging::FurtherLayer;

/// How long the collector may take for a batch, and at the end for the last one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends spans; told to end, it sends what is left.
#[derive(Debug)]
pub(crate) struct Tracing(SdkTracerProvider);

/// No spans can be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OtelFailed {
    #[error("--otel-endpoint: write it as http://127.0.0.1:4318, without a path of OTLP's")]
    Endpoint(#[source] ExporterBuildError),
    #[error("--otel-endpoint: the HTTP client could not be made: {0}")]
    Client(String),
}

impl Tracing {
    /// Sends to the collector at `endpoint`. To be called on the runtime that requests are sent by.
    pub(crate) fn to(endpoint: &str) -> Result<Self, OtelFailed> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client::OnRuntime::new(PATIENCE).map_err(OtelFailed::Client)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(OtelFailed::Endpoint)?;
        let resource = Resource::builder().with_service_name("dockline").build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// Our own spans, down to the ports' and GitHub's, whatever is logged.
    pub(crate) fn layer(&self) -> FurtherLayer {
        let ours = Targets::new().with_default(LevelFilter::OFF).with_target("dockline", LevelFilter::DEBUG);
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("dockline"));
        layer.with_location(false).with_threads(false).with_filter(ours).boxed()
    }

    /// Ties requests to their callers' traces.
    pub(crate) fn links() -> Arc<dyn TraceLinks> {
        Arc::new(Links)
    }

    /// Sends what is left, for as long as the collector may take.
    pub(crate) async fn end(self) {
        // The exporter waits on a thread of its own for requests that this runtime sends.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last spans were not sent");
        }
    }
}

/// A link, not a parent: whoever calls decides neither the id of our trace nor whether it is kept.
#[derive(Debug)]
struct Links;

impl TraceLinks for Links {
    fn link(&self, span: &Span, caller: &TraceParent) {
        let flags = if caller.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let (trace, from) = (TraceId::from_bytes(caller.trace_id), SpanId::from_bytes(caller.span_id));
        span.add_link(SpanContext::new(trace, from, flags, true, TraceState::default()));
    }
}
