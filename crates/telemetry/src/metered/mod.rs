//! Ports with a clock beside them: one file a port.

mod binding_repo;
mod call;
mod github_gateway;
mod key_store;
mod rate_limiter;
mod state_store;

use std::fmt;
use std::future::Future;

use dockline::PortError;
use tracing::Instrument;

use self::call::Call;

/// Measures the calls of a port: [`PORT_CALL_DURATION`](crate::PORT_CALL_DURATION) by method and outcome, and a span `port`
/// at level debug for each, with `port`, `method` and `outcome`. Arguments and answers are never recorded.
///
/// If `P` is a [`BindingRepo`](dockline::ports::BindingRepo), so is `Metered<P>`; likewise for the other ports.
#[derive(Clone)]
pub struct Metered<P>(P);

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

/// Awaits `made`, a call of `port`'s `method`.
async fn measured<T>(
    port: &'static str,
    method: &'static str,
    made: impl Future<Output = Result<T, PortError>> + Send,
) -> Result<T, PortError> {
    let call = Call::begin(port, method);
    let span = call.span();
    let answer = made.instrument(span).await;
    call.end(answer.as_ref().err().map(PortError::kind));
    answer
}
