use std::fmt;
use std::future::Future;
use std::time::Instant;

use dockline::{PortError, PortErrorKind};
use metrics::histogram;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::metric_names::PORT_CALL_DURATION;

/// Measures the calls of a port: [`PORT_CALL_DURATION`] by method and outcome, and a debug span `port` per call, with
/// `port`, `method` and `outcome`. Never records arguments or results.
///
/// If `P` is a [`BindingRepo`](dockline::ports::BindingRepo), so is `Metered<P>`; likewise for the other ports.
#[derive(Clone)]
pub struct Metered<P>(pub(crate) P);

impl<P> Metered<P> {
    /// Measures the calls of `port`.
    pub const fn over(port: P) -> Self {
        Self(port)
    }
}

impl<P: fmt::Debug> fmt::Debug for Metered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metered").field(&self.0).finish()
    }
}

/// Awaits and measures `call`, which is a call of `method` of `port`.
pub(crate) async fn measured<T>(
    port: &'static str,
    method: &'static str,
    call: impl Future<Output = Result<T, PortError>> + Send,
) -> Result<T, PortError> {
    let measurement = Measurement::start(port, method);
    let span = measurement.span.clone();
    let result = call.instrument(span).await;
    measurement.finish(result.as_ref().err().map(PortError::kind));
    result
}

/// A call in progress. If it is dropped unfinished, it is recorded as well, so that calls that hang until their callers
/// leave are visible.
struct Measurement {
    port: &'static str,
    method: &'static str,
    started: Instant,
    span: Span,
    finished: bool,
}

impl Measurement {
    fn start(port: &'static str, method: &'static str) -> Self {
        let span = tracing::debug_span!("port", port, method, outcome = Empty);
        Self { port, method, started: Instant::now(), span, finished: false }
    }

    fn finish(mut self, error: Option<PortErrorKind>) {
        self.finished = true;
        self.record(error.map_or("ok", label));
    }

    fn record(&self, outcome: &'static str) {
        self.span.record("outcome", outcome);
        histogram!(PORT_CALL_DURATION, "port" => self.port, "method" => self.method, "outcome" => outcome)
            .record(self.started.elapsed());
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        if !self.finished {
            self.record(if std::thread::panicking() { "panicked" } else { "dropped" });
        }
    }
}

const fn label(kind: PortErrorKind) -> &'static str {
    match kind {
        PortErrorKind::Unavailable => "unavailable",
        PortErrorKind::RateLimited { .. } => "rate_limited",
        PortErrorKind::Overloaded => "overloaded",
        PortErrorKind::Rejected => "rejected",
        PortErrorKind::Corrupt => "corrupt",
        PortErrorKind::Unexpected | _ => "unexpected",
    }
}
