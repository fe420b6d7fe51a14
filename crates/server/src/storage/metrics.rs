use std::sync::Arc;

use dockline::ports::Admission;
use dockline_postgres::{PgAdmission, Pool};
use dockline_sqlite::SqliteAdmission;
use dockline_telemetry::{Metered, PoolState, record_batches, record_pool};

use super::AppStorage;

/// The metrics of the storage that are read at each scrape. A file has none.
#[derive(Debug, Clone)]
pub(crate) struct StorageMetrics(Option<(Pool, PgAdmission)>);

impl AppStorage {
    /// Returns what authenticates requests in one call, and the metrics of the storage.
    pub(crate) fn admission(&self) -> (Arc<dyn Admission>, StorageMetrics) {
        match self {
            Self::Postgres(database) => {
                let admission = PgAdmission::new(database);
                let metrics = Some((database.database().pool().clone(), admission.clone()));
                (Arc::new(Metered::over(admission)), StorageMetrics(metrics))
            }
            Self::File(database) => {
                (Arc::new(Metered::over(SqliteAdmission::new(database))), StorageMetrics(None))
            }
        }
    }
}

impl StorageMetrics {
    pub(crate) fn record(&self) {
        let Some((pool, admission)) = &self.0 else { return };
        let pool = pool.status();
        record_pool(PoolState {
            max: pool.max_size,
            open: pool.size,
            idle: pool.available,
            waiting: pool.waiting,
        });
        let batches = admission.counts();
        record_batches("admission", batches.statements, batches.calls);
    }
}
