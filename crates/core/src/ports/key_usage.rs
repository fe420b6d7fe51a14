use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::forward;
use crate::error::PortError;
use crate::model::KeyId;

/// Takes note of which keys are in use, so that an operator sees which are not: coarse, and never a write per request.
///
/// Told of callers whose key is in force and whose secret was right, and of nobody else: a stranger who names a key
/// leaves no trace on it. Told before scope and budget are looked at, so that a 403 or a 429 is a use, too.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait KeyUsage: Debug + Send + Sync + 'static {
    /// Takes note that `key` was used at `at`. MUST return at once, without waiting for I/O, and MUST NOT fail: no
    /// request is refused for it.
    ///
    /// What is told afterwards of the key MUST NOT be later than its latest use, SHOULD be less than an hour earlier
    /// once the adapter has written, and MUST NOT go back when `at` does (invariant I27). It is of exactly this key; a
    /// key that the store does not know is forgotten without harm to the others.
    fn used(&self, key: &KeyId, at: OffsetDateTime);
}

forward!(KeyUsage {
} {
    fn used(&self, key: &KeyId, at: OffsetDateTime);
});

/// Takes note of nothing: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyUsage;

impl KeyUsage for NoKeyUsage {
    fn used(&self, _: &KeyId, _: OffsetDateTime) {}
}

/// Writes the recorded key usage to a store: for a [`KeyUsage`] that collects in memory and writes in batches.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyUsageWriter: Debug + Send + Sync + 'static {
    /// Writes the usage that was recorded since the last write, and returns the number of keys that changed in the store.
    ///
    /// # Errors
    /// Infrastructure only. The usage stays recorded, and the next call writes it.
    async fn write(&self) -> Result<usize, PortError>;
}

forward!(KeyUsageWriter {
    async fn write(&self) -> Result<usize, PortError>;
});
