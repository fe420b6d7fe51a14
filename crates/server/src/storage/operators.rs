use std::sync::Arc;

use dockline::ports::{BindingCounter, DataSubjects, KeyAdmin, Tombstones};
use dockline::{OrganizationId, PortError};
use dockline_postgres::{PgBindingCounter, PgDataSubjects, PgKeyStore, PgTombstones};
use dockline_sqlite::{SqliteBindingCounter, SqliteDataSubjects, SqliteKeyStore, SqliteTombstones};
use serde_json::{Map, Value};

use super::{AppStorage, Storage};

impl AppStorage {
    pub(crate) fn binding_counter(&self) -> Arc<dyn BindingCounter> {
        match self {
            Self::Postgres(database) => Arc::new(PgBindingCounter::new(database)),
            Self::File(database) => Arc::new(SqliteBindingCounter::new(database)),
        }
    }

    pub(crate) fn tombstones(&self) -> Arc<dyn Tombstones> {
        match self {
            Self::Postgres(database) => Arc::new(PgTombstones::new(database)),
            Self::File(database) => Arc::new(SqliteTombstones::new(database)),
        }
    }
}

impl Storage {
    /// Creates, lists, rotates and revokes API keys.
    pub(crate) fn keys(&self) -> Arc<dyn KeyAdmin> {
        match self {
            Self::Postgres(database) => Arc::new(PgKeyStore::new(database)),
            Self::File(database) => Arc::new(SqliteKeyStore::new(database)),
        }
    }
}

/// Exports and erases organizations and persons.
#[derive(Debug)]
pub(crate) enum Subjects {
    Postgres(PgDataSubjects),
    File(SqliteDataSubjects),
}

impl Storage {
    pub(crate) fn subjects(&self) -> Subjects {
        match self {
            Self::Postgres(database) => Subjects::Postgres(PgDataSubjects::new(database)),
            Self::File(database) => Subjects::File(SqliteDataSubjects::new(database)),
        }
    }
}

impl Subjects {
    /// Returns the number of tables of an export.
    pub(crate) const fn tables(&self) -> u64 {
        match self {
            Self::Postgres(_) => PgDataSubjects::TABLES,
            Self::File(_) => SqliteDataSubjects::TABLES,
        }
    }

    /// Returns everything that is stored about an organization, by table.
    pub(crate) async fn export_with(
        &self,
        organization: &OrganizationId,
        before_table: impl FnMut(&'static str) + Send,
    ) -> Result<Option<Map<String, Value>>, PortError> {
        match self {
            Self::Postgres(subjects) => subjects.export_with(organization, before_table).await,
            Self::File(subjects) => subjects.export_with(organization, before_table).await,
        }
    }

    pub(crate) fn port(self) -> Arc<dyn DataSubjects> {
        match self {
            Self::Postgres(subjects) => Arc::new(subjects),
            Self::File(subjects) => Arc::new(subjects),
        }
    }
}
