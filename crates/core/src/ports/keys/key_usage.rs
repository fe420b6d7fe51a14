use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::model::KeyId;
use crate::ports::forward;

/// Records when keys are used, so that operators find unused keys. The record is coarse: it does not cost a write per
/// request.
///
/// The core calls it for valid keys only: a request with a wrong secret or a revoked key leaves no record. It calls it
/// before it checks scope and budget, so a 403 and a 429 count as uses.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait KeyUsage: Debug + Send + Sync + 'static {
    /// Records that `key` was used at `at`. MUST return without waiting for I/O, and MUST NOT fail: no request is refused
    /// because of it.
    ///
    /// The recorded time MUST NOT be later than the key's latest use, SHOULD be less than an hour earlier once the adapter
    /// has written, and MUST NOT decrease if `at` does. A use MUST be recorded for exactly this key. A key that the store
    /// does not know MUST be dropped without affecting the others.
    fn used(&self, key: &KeyId, at: OffsetDateTime);
}

forward!(KeyUsage {
} {
    fn used(&self, key: &KeyId, at: OffsetDateTime);
});

/// Records nothing; the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyUsage;

impl KeyUsage for NoKeyUsage {
    fn used(&self, _: &KeyId, _: OffsetDateTime) {}
}

/// Writes the recorded key usage to a store, for a [`KeyUsage`] that collects in memory.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyUsageWriter: Debug + Send + Sync + 'static {
    /// Writes the usage that was recorded since the last write, and returns the number of keys that changed in the store.
    ///
    /// # Errors
    /// Infrastructure failures only. The usage stays recorded, and the next call writes it.
    async fn write(&self) -> Result<usize, PortError>;
}

forward!(KeyUsageWriter {
    async fn write(&self) -> Result<usize, PortError>;
});
