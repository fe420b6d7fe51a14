use std::time::Duration;

use dockline::PortErrorKind;

use crate::error::DatabaseError;

/// Why the schema does not have, or could not be brought to, the version that this program needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The schema was migrated by a later release, and this program cannot use it. Handling: run that release, or one between
    /// the two; migrations are forward only.
    #[error(
        "the schema was migrated to version {found}{}, and this program, which knows version {known}, cannot use it: run a later \
         release, or restore the backup from before the migration",
        .release.as_ref().map(|release| format!(" by release {release}")).unwrap_or_default()
    )]
    Newer {
        /// The schema's version.
        found: u32,
        /// The latest version of this program.
        known: u32,
        /// The release that migrated the schema; `None` if it is unknown.
        release: Option<String>,
    },
    /// The checksum of an applied migration differs from this program's. Handling: find out which build applied it.
    #[error("migration {version} was applied with another text: find out which build applied it")]
    Changed {
        /// The migration's version.
        version: u32,
    },
    /// Migrations are missing. Returned by [`Migrator::check`](super::Migrator::check) only. Handling: [`Migrator::run`](super::Migrator::run).
    #[error("the schema has version {found} and needs {known}: run the migrations")]
    Pending {
        /// The schema's version, 0 if there is no schema.
        found: u32,
        /// The version that this program needs.
        known: u32,
    },
    /// The database is in another encoding than UTF-8, and the schema does not exist yet. Nothing was changed. Handling:
    /// create a database with `ENCODING 'UTF8' TEMPLATE template0`.
    #[error(
        "the database has the encoding {found}, and names need UTF8: create one with ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The database's encoding.
        found: String,
    },
    /// Another session locked a table until the deadline. Nothing was changed. Handling: repeat when it has ended.
    #[error(
        "another session, such as a backup or a long transaction, locked a table for {0:?}: run the migrations again \
         when it has ended"
    )]
    Locked(Duration),
    /// Another instance held the lock, or a statement ran, until the deadline. Nothing was changed. Handling: repeat.
    #[error("the migrations did not finish within {0:?}: run them again")]
    Deadline(Duration),
    /// The database was unreachable or rejected a statement. Nothing was changed. Handling: see the source.
    #[error("the migrations failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl MigrationError {
    /// Returns whether the server denied the login or the operation, so that an operator must change the configuration.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.database_error().is_some_and(|error| error.kind() == PortErrorKind::Rejected)
    }

    pub(super) fn is_lock_timeout(&self) -> bool {
        self.database_error().and_then(DatabaseError::sqlstate) == Some("55P03")
    }

    fn database_error(&self) -> Option<&DatabaseError> {
        let Self::Failed(source) = self else { return None };
        source.downcast_ref()
    }
}

impl From<DatabaseError> for MigrationError {
    fn from(error: DatabaseError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<tokio_postgres::Error> for MigrationError {
    fn from(error: tokio_postgres::Error) -> Self {
        DatabaseError::of(error).into()
    }
}
