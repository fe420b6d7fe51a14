//! The readiness checks `database` and `schema`.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::storage::Storage;

pub(super) type Probe = fn(Storage) -> BoxFuture<'static, Result<(), &'static str>>;

/// Checks that the database answers.
pub(super) fn database(storage: Storage) -> BoxFuture<'static, Result<(), &'static str>> {
    async move { storage.health().await.database.map_or(Ok(()), Err) }.boxed()
}

/// Checks that the schema is up to date.
pub(super) fn schema(storage: Storage) -> BoxFuture<'static, Result<(), &'static str>> {
    async move { storage.health().await.schema.map_or(Ok(()), Err) }.boxed()
}
