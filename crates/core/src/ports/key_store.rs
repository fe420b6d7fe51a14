use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::forward;
use crate::error::PortError;
use crate::model::{KeyId, KeyRecord};

/// Where the product's API keys are.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyStore: Debug + Send + Sync + 'static {
    /// The record of a key, also of a revoked or expired one; `None` for an id that was never given out.
    ///
    /// SHOULD take as long for an unknown id as for a known one. MUST NOT answer from a cache that is older than the
    /// host's documented bound on revocation (invariant I13).
    ///
    /// # Errors
    /// Infrastructure only.
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError>;
}

forward!(KeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError>;
} );
