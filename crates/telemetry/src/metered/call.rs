//! One call, from its beginning to however it ends.

use std::time::Instant;

use dockline::PortErrorKind;
use metrics::histogram;
use tracing::Span;
use tracing::field::Empty;

use crate::names::PORT_CALL_DURATION;

/// A call under way. Dropped before its end, it still counts: a port that hangs until its callers go is seen.
pub(super) struct Call {
    port: &'static str,
    method: &'static str,
    begun: Instant,
    span: Span,
    ended: bool,
}

impl Call {
    pub(super) fn begin(port: &'static str, method: &'static str) -> Self {
        let span = tracing::debug_span!("port", port, method, outcome = Empty);
        Self { port, method, begun: Instant::now(), span, ended: false }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn end(mut self, failed: Option<PortErrorKind>) {
        self.ended = true;
        self.tell(failed.map_or("ok", spelled));
    }

    fn tell(&self, outcome: &'static str) {
        self.span.record("outcome", outcome);
        histogram!(PORT_CALL_DURATION, "port" => self.port, "method" => self.method, "outcome" => outcome)
            .record(self.begun.elapsed());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(if std::thread::panicking() { "panicked" } else { "dropped" });
        }
    }
}

const fn spelled(kind: PortErrorKind) -> &'static str {
    match kind {
        PortErrorKind::Unavailable => "unavailable",
        PortErrorKind::RateLimited { .. } => "rate_limited",
        PortErrorKind::Rejected => "rejected",
        PortErrorKind::Corrupt => "corrupt",
        PortErrorKind::Unexpected | _ => "unexpected",
    }
}
