//! Traces as `serve` knows them: there, or not built in, or not asked for.

use std::error::Error;

use dockline_axum::RouterOptions;

use super::options::TelemetryArgs;
use crate::logging::FurtherLayer;

/// Who gets spans; nobody unless it was built in and asked for.
#[derive(Debug)]
pub(crate) struct Tracer {
    #[cfg(feature = "otel")]
    tracing: Option<super::otel::Tracing>,
}

#[cfg(feature = "otel")]
impl Tracer {
    pub(crate) fn of(args: &TelemetryArgs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let tracing = args.otel_endpoint.as_deref().map(super::otel::Tracing::to).transpose()?;
        Ok(Self { tracing })
    }

    pub(crate) fn layer(&self) -> Option<FurtherLayer> {
        self.tracing.as_ref().map(super::otel::Tracing::layer)
    }

    pub(crate) fn link(&self, options: RouterOptions) -> RouterOptions {
        match self.tracing {
            Some(_) => options.with_trace_links(super::otel::Tracing::links()),
            None => options,
        }
    }

    pub(crate) async fn end(self) {
        if let Some(tracing) = self.tracing {
            tracing.end().await;
        }
    }
}

/// The same as with the feature, so that nobody else need know.
#[cfg(not(feature = "otel"))]
impl Tracer {
    pub(crate) const fn of(_: &TelemetryArgs) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self {})
    }

    pub(crate) const fn layer(&self) -> Option<FurtherLayer> {
        None
    }

    pub(crate) fn link(&self, options: RouterOptions) -> RouterOptions {
        options
    }

    pub(crate) async fn end(self) {}
}
