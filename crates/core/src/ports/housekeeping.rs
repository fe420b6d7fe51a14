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
    /// none. It may look at a part of a large table, and at the next part in the next call. Several nodes may call this at once;
    /// each deleted row is counted once.
    ///
    /// | rows | MUST be kept |
    /// |---|---|
    /// | states, used or not | for a day after they expired |
    /// | bindings, live or released, with the states that they spent | for ever |
    /// | ends that are final | for ever; the account for 30 days |
    /// | other unbound installations | for 30 days after they were last observed or released |
    /// | records of installers | for 30 days after the first one, and while the installation is bound |
    /// | buckets | while a full one would decide otherwise, by a clock that is up to an hour behind |
    /// | messages that wait or are set aside | until the product has them |
    /// | delivered messages | [`KEYS_KEPT_FOR`](crate::rules::outbox::KEYS_KEPT_FOR); their bodies [`BODIES_KEPT_FOR`](crate::rules::outbox::BODIES_KEPT_FOR) |
    /// | dead messages | [`DEAD_KEPT_FOR`](crate::rules::outbox::DEAD_KEPT_FOR) |
    /// | API keys, also revoked and expired ones | for ever |
    ///
    /// # Errors
    /// Infrastructure failures only. Rows that were deleted before the error stay deleted.
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError>;
}

forward!(Housekeeping {
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError>;
});
