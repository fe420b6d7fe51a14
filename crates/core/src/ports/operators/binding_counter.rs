use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::BindingCounts;
use crate::ports::forward;

/// Counts the live bindings of an App, for gauges.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BindingCounter: Debug + Send + Sync + 'static {
    /// Counts the bindings as of `now`; once a minute is often enough. An adapter may stop at a documented number of bindings. The
    /// numbers and the time may be read one after the other, so they can differ by a concurrent change.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError>;
}

forward!(BindingCounter {
    async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError>;
});
