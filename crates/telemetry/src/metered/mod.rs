//! Ports with a clock beside them: one file a port.

mod binding_repo;
mod call;
mod github_gateway;
mod key_store;
mod rate_limiter;
mod state_store;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use dockline::PortError;
use tracing::Instrument;

use self::call::Call;

/// A port whose calls are measured: [`PORT_CALL_DURATION`](crate::PORT_CALL_DURATION) by method and outcome, and a span
/// `port` for each, at level debug, with `port`, `method` and `outcome`. Arguments and answers are never told.
///
/// `Metered<dyn BindingRepo>` is a [`BindingRepo`](dockline::ports::BindingRepo), and so on.
pub struct Metered<P: ?Sized>(Arc<P>);

impl<P: ?Sized> Metered<P> {
    /// Measures the calls of `port`.
    pub const fn over(port: Arc<P>) -> Self {
        Self(port)
    }
}

impl<P: ?Sized> Clone for Metered<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for Metered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metered").field(&&*self.0).finish()
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
