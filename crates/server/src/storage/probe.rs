//! Checks of the open storage, for readiness.

use std::error::Error;
use std::time::Duration;

use dockline_postgres::{MigrationError, Migrator};
use dockline_sqlite::CheckError;
use tokio::time::timeout;

use super::Storage;
use super::location::migrator;
use crate::serve::checks::chain;

/// Time for the connection and all statements of a check.
const DEADLINE: Duration = Duration::from_secs(2);

/// The causes why either check fails; `None` if it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) database: Option<&'static str>,
    pub(crate) schema: Option<&'static str>,
}

impl Storage {
    /// Checks that the storage answers, and that its schema is up to date.
    pub(crate) async fn health(&self) -> Health {
        match self {
            Self::Postgres(database) => Health::of_postgres(&migrator(database)).await,
            Self::File(database) => {
                let checked = database.clone().with_deadline(DEADLINE).check().await;
                checked.map_or_else(|error| Health::of_file(&error), |()| Health::GOOD)
            }
        }
    }
}

impl Health {
    const GOOD: Self = Self { database: None, schema: None };

    async fn of_postgres(migrator: &Migrator) -> Self {
        match timeout(DEADLINE, migrator.check()).await {
            Ok(Ok(())) => Self::GOOD,
            Ok(Err(error)) => {
                let cause = error.source().map(chain);
                tracing::debug!(%error, cause, "the database check failed");
                Self::failed(&error)
            }
            Err(_) => Self::without_database("timed_out"),
        }
    }

    fn of_file(error: &CheckError) -> Self {
        tracing::debug!(error = chain(error), "the database check failed");
        Self::without_database(match error {
            CheckError::Removed => "removed",
            CheckError::Port(_) | _ => "unreachable",
        })
    }

    fn failed(error: &MigrationError) -> Self {
        let schema = |cause| Self { database: None, schema: Some(cause) };
        match error {
            MigrationError::Pending { .. } => schema("not_migrated"),
            MigrationError::Changed { .. } => schema("changed"),
            // The migrations of one release leave the release before it working, so that nodes can be replaced one by one.
            MigrationError::Newer { .. } => Self::GOOD,
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
        let found = Health::failed(&MigrationError::Newer { found: 3, known: 2, release: None });
        assert_eq!(found, Health { database: None, schema: None });
        let found = Health::failed(&MigrationError::Pending { found: 1, known: 2 });
        assert_eq!(found, Health { database: None, schema: Some("not_migrated") });
        let found = Health::failed(&MigrationError::Changed { version: 1 });
        assert_eq!(found, Health { database: None, schema: Some("changed") });
        let found = Health::failed(&MigrationError::Failed("canary".into()));
        assert_eq!(found, Health { database: Some("unreachable"), schema: Some("unknown") });
    }
}
