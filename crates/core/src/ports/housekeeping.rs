use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;

/// Deletes expired rows in batches, for a store whose size is not bounded otherwise.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Housekeeping: Debug + Send + Sync + 'static {
    /// Deletes up to `batch` expired rows of each kind, as of `now`, and returns the number of deleted rows; 0 if it found
    /// none. It may look at a part of a large table, and at the next part in the next call. A state is kept for a day after it
    /// expired; an unbound installation, and the record of its installer, for 30 days after they were last observed, released or
    /// recorded; a bucket while a full one would decide otherwise; messages as [`rules::outbox`](crate::rules::outbox) says. The
    /// end of an installation that is final is kept without the account. MUST NOT delete a binding, live or released, so that
    /// its state cannot be used again. Several nodes may call this at once.
    ///
    /// # Errors
    /// Infrastructure failures only. Rows that were deleted before the error stay deleted.
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError>;
}

forward!(Housekeeping {
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError>;
});
