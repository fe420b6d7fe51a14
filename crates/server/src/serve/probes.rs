//! The readiness checks `database` and `schema`.

use std::error::Error;
use std::time::Duration;

use dockline_postgres::{MigrationError, Migrator};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::checks::chain;

/// Time for the connection and all statements of a check.
const DEADLINE: Duration = Duration::from_secs(2);

pub(super) type Probe = fn(Migrator) -> BoxFuture<'static, Result<(), &'static str>>;

/// Checks that the database answers.
pub(super) fn database(migrator: Migrator) -> BoxFuture<'static, Result<(), &'static str>> {
    async move { Store::check(&migrator).await.database.map_or(Ok(()), Err) }.boxed()
}

/// Checks that the schema is up to date.
pub(super) fn schema(migrator: Migrator) -> BoxFuture<'static, Result<(), &'static str>> {
    async move { Store::check(&migrator).await.schema.map_or(Ok(()), Err) }.boxed()
}

/// The causes why either check fails; `None` if it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Store {
    database: Option<&'static str>,
    schema: Option<&'static str>,
}

impl Store {
    async fn check(migrator: &Migrator) -> Self {
        match timeout(DEADLINE, migrator.check()).await {
            Ok(Ok(())) => Self { database: None, schema: None },
            Ok(Err(error)) => {
                let cause = error.source().map(chain);
                tracing::debug!(%error, cause, "the database check failed");
                Self::failed(&error)
            }
            Err(_) => Self::without_database("timed_out"),
        }
    }

    fn failed(error: &MigrationError) -> Self {
        let schema = |cause| Self { database: None, schema: Some(cause) };
        match error {
            MigrationError::Pending { .. } => schema("not_migrated"),
            MigrationError::Changed { .. } => schema("changed"),
            // The migrations of one release leave the release before it working, so that nodes can be replaced one by one.
            MigrationError::Newer { .. } => Self { database: None, schema: None },
            MigrationError::Deadline(_) => Self::without_database("timed_out"),
            other @ (MigrationError::Failed(_) | _) => {
                Self::without_database(if other.is_rejected() { "refused" } else { "unreachable" })
            }
        }
    }

    const fn without_database(cause: &'static str) -> Self {
        Self { database: Some(cause), schema: Some("unknown") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_schema_keeps_a_running_node_ready() {
        let found = Store::failed(&MigrationError::Newer { found: 3, known: 2 });
        assert_eq!(found, Store { database: None, schema: None });
        let found = Store::failed(&MigrationError::Pending { found: 1, known: 2 });
        assert_eq!(found, Store { database: None, schema: Some("not_migrated") });
        let found = Store::failed(&MigrationError::Changed { version: 1 });
        assert_eq!(found, Store { database: None, schema: Some("changed") });
        let found = Store::failed(&MigrationError::Failed("canary".into()));
        assert_eq!(found, Store { database: Some("unreachable"), schema: Some("unknown") });
    }
}
