//! Whether the database is there, and its schema what we need.

use std::error::Error;
use std::time::Duration;

use dockline_postgres::tokio_postgres;
use dockline_postgres::{MigrationError, Migrator};
use tokio::time::timeout;

/// Time for connection and all questions together: probes wait for little more.
const DEADLINE: Duration = Duration::from_secs(2);

/// What is wrong with either; `None` where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) database: Option<&'static str>,
    pub(super) schema: Option<&'static str>,
}

impl Store {
    /// Asks the database.
    pub(super) async fn look(migrator: &Migrator) -> Self {
        let found = timeout(DEADLINE, migrator.check()).await;
        let Ok(Err(error)) = &found else {
            return match found {
                Ok(_) => Self { database: None, schema: None },
                Err(_) => Self::without_database("timed_out"),
            };
        };
        tracing::debug!(%error, cause = ?error.source(), "the database is not as it should be");
        Self::of(error)
    }

    fn of(error: &MigrationError) -> Self {
        let schema = |cause| Self { database: None, schema: Some(cause) };
        match error {
            MigrationError::Pending { .. } => schema("not_migrated"),
            MigrationError::Changed { .. } => schema("changed"),
            // A release's migrations leave the one before it working, or no node could be replaced without a pause.
            MigrationError::Newer { .. } => Self { database: None, schema: None },
            MigrationError::Deadline(_) => Self::without_database("timed_out"),
            other @ (MigrationError::Failed(_) | _) => {
                Self::without_database(if was_refused(other) { "refused" } else { "unreachable" })
            }
        }
    }

    const fn without_database(cause: &'static str) -> Self {
        Self { database: Some(cause), schema: Some("unknown") }
    }
}

/// Whether the server is there and lets us in, but not do this; or does not let us in.
fn was_refused(error: &MigrationError) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(code) =
            error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code)
        {
            // Wrong password, no such role or database, no right to the schema.
            return code.code().starts_with("28") || matches!(code.code(), "3D000" | "42501");
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_schema_does_not_take_a_running_node_away() {
        let found = Store::of(&MigrationError::Newer { found: 3, known: 2 });
        assert_eq!(found, Store { database: None, schema: None });
        let found = Store::of(&MigrationError::Pending { found: 1, known: 2 });
        assert_eq!(found, Store { database: None, schema: Some("not_migrated") });
        let found = Store::of(&MigrationError::Changed { version: 1 });
        assert_eq!(found, Store { database: None, schema: Some("changed") });
        let found = Store::of(&MigrationError::Failed("canary".into()));
        assert_eq!(found, Store { database: Some("unreachable"), schema: Some("unknown") });
    }
}
