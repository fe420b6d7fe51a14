//! The cases of [`KeyAdmin`]. [`key_admin_suite!`](crate::key_admin_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::KeyId;
use dockline::ports::{KeyAdmin, KeyStore};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod cases;

/// The administration of keys under test.
#[async_trait]
pub trait KeyAdminDriver: Debug + Send + Sync + 'static {
    /// Returns the adapter under test.
    fn admin(&self) -> &dyn KeyAdmin;

    /// Returns the adapter of another node with the same store, opened independently.
    fn other_node(&self) -> &dyn KeyAdmin;

    /// Returns the port of the same keys, on the other node.
    fn keys(&self) -> &dyn KeyStore;

    /// Stores a use of a key.
    async fn used(&self, id: &KeyId, at: OffsetDateTime);
}

suite! {
    /// Makes one `#[test]` per case of [`KeyAdmin`](crate::dockline::ports::KeyAdmin) in a module `key_admin`. The adapter is a
    /// [`KeyAdminDriver`](crate::key_admin::KeyAdminDriver).
    key_admin_suite, key_admin, KeyAdminDriver: cases
}
