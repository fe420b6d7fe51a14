//! The cases of [`KeyStore`]. [`key_store_suite!`](crate::key_store_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod cases;

/// Writes keys to the store under test, because the port itself only reads.
#[async_trait]
pub trait KeyStoreDriver: Debug + Send + Sync + 'static {
    /// Returns the store under test.
    fn keys(&self) -> &dyn KeyStore;

    /// Stores a key.
    async fn insert(&self, record: KeyRecord);

    /// Revokes the key as of `at`.
    async fn revoke(&self, id: &KeyId, at: OffsetDateTime);
}

suite! {
    /// Makes one `#[test]` per case of [`KeyStore`](crate::dockline::ports::KeyStore) in a module `key_store`. The
    /// adapter is a [`KeyStoreDriver`](crate::key_store::KeyStoreDriver).
    key_store_suite, key_store, KeyStoreDriver: cases
}
