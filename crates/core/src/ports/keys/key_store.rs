use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::PortError;
use crate::model::{KeyId, KeyRecord};
use crate::ports::forward;

/// Stores the product's API keys.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait KeyStore: Debug + Send + Sync + 'static {
    /// Returns the record of a key, also of a revoked or expired one, however old; `None` if the id was never issued. Scopes that
    /// the adapter does not know MUST be kept.
    ///
    /// SHOULD take as long for an unknown id as for a known one. MUST NOT return a cached record that is older than the
    /// host's documented bound on revocation.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError>;
}

forward!(KeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError>;
} );
