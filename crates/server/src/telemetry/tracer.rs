//! The export of spans, if it is built in and configured.

use std::error::Error;

use dockline_axum::RouterOptions;

use super::options::TelemetryArgs;
use crate::logging::ExtraLayer;

/// The exporter of spans. Does nothing without the feature `otel` and `--otel-endpoint`.
#[derive(Debug)]
pub(crate) struct Tracer {
    #[cfg(feature = "otel")]
    exporter: Option<super::otel::SpanSender>,
}

#[cfg(feature = "otel")]
impl Tracer {
    pub(crate) fn new(args: &TelemetryArgs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let exporter = args.otel_endpoint.as_deref().map(super::otel::SpanSender::new).transpose()?;
        Ok(Self { exporter })
    }

    pub(crate) fn layer(&self) -> Option<ExtraLayer> {
        self.exporter.as_ref().map(super::otel::SpanSender::layer)
    }

    pub(crate) fn link(&self, options: RouterOptions) -> RouterOptions {
        match self.exporter {
            Some(_) => options.with_trace_links(super::otel::SpanSender::links()),
            None => options,
        }
    }

    pub(crate) async fn shutdown(self) {
        if let Some(exporter) = self.exporter {
            exporter.shutdown().await;
        }
    }
}

/// The same interface without the feature.
#[cfg(not(feature = "otel"))]
impl Tracer {
    pub(crate) const fn new(_: &TelemetryArgs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self {})
    }

    pub(crate) const fn layer(&self) -> Option<ExtraLayer> {
        None
    }

    pub(crate) fn link(&self, options: RouterOptions) -> RouterOptions {
        options
    }

    pub(crate) async fn shutdown(self) {}
}
