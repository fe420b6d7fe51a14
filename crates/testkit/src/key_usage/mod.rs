//! The cases of [`KeyUsage`]. [`key_usage_suite!`](crate::key_usage_suite) runs them.

use std::fmt::Debug;

use async_trait::async_trait;
use dockline::ports::KeyUsage;
use dockline::{KeyId, KeyRecord};
use time::OffsetDateTime;

use crate::runner::suite;

pub mod cases;
pub mod nodes;

/// Reads what an adapter stored, because the port itself only writes.
#[async_trait]
pub trait KeyUsageDriver: Debug + Send + Sync + 'static {
    /// Returns the adapter under test.
    fn usage(&self) -> &dyn KeyUsage;

    /// Returns the adapter of another node with the same store, opened independently.
    fn other_node(&self) -> &dyn KeyUsage;

    /// Stores a key, so that its use can be stored.
    async fn insert(&self, record: KeyRecord);

    /// Writes everything that is buffered, of one node after the other.
    async fn flush(&self);

    /// Returns the stored time of the key's last use.
    async fn last_used(&self, id: &KeyId) -> Option<OffsetDateTime>;
}

suite! {
    /// Makes one `#[test]` per case of [`KeyUsage`](crate::dockline::ports::KeyUsage) in a module `key_usage`. The
    /// adapter is a [`KeyUsageDriver`](crate::key_usage::KeyUsageDriver).
    key_usage_suite, key_usage, KeyUsageDriver: cases, nodes
}
