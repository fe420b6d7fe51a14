use std::sync::Arc;

use dockline::ports::{DeliveryStore, Outbox};
use dockline::{OutboxBounds, OutboxUsage, PortError};
use dockline_postgres::{PgOutbox, Pool};
use dockline_sqlite::SqliteOutbox;
use dockline_telemetry::Metered;
use time::OffsetDateTime;

use super::AppStorage;

/// The outbox of an App.
#[derive(Debug, Clone)]
pub(crate) enum AppOutbox {
    Postgres(Box<PgOutbox>),
    File(SqliteOutbox),
}

impl AppStorage {
    /// Returns the outbox, open or not.
    pub(crate) fn outbox(&self) -> AppOutbox {
        match self {
            Self::Postgres(database) => {
                AppOutbox::Postgres(Box::new(PgOutbox::new(database, OutboxBounds::default())))
            }
            Self::File(database) => AppOutbox::File(SqliteOutbox::new(database, OutboxBounds::default())),
        }
    }

    /// Opens the outbox, which then stores changes. On PostgreSQL, deliveries are stored over connections of their own, which
    /// `pool` makes.
    pub(crate) async fn open_outbox<E: From<PortError>>(
        &self,
        pool: impl FnOnce(usize) -> Result<Pool, E> + Send,
    ) -> Result<AppOutbox, E> {
        Ok(match self {
            Self::Postgres(database) => {
                let pool = pool(PgOutbox::STORED_AT_ONCE)?;
                let outbox = PgOutbox::open(database, OutboxBounds::default()).await?;
                AppOutbox::Postgres(Box::new(outbox.with_delivery_pool(pool)))
            }
            Self::File(database) => {
                AppOutbox::File(SqliteOutbox::open(database, OutboxBounds::default()).await?)
            }
        })
    }
}

impl AppOutbox {
    pub(crate) fn delivery_store(&self) -> Arc<dyn DeliveryStore> {
        match self.clone() {
            Self::Postgres(outbox) => Arc::new(Metered::over(*outbox)),
            Self::File(outbox) => Arc::new(Metered::over(outbox)),
        }
    }

    pub(crate) fn port(&self) -> Arc<dyn Outbox> {
        match self.clone() {
            Self::Postgres(outbox) => Arc::new(Metered::over(*outbox)),
            Self::File(outbox) => Arc::new(Metered::over(outbox)),
        }
    }

    pub(crate) async fn usage(&self, now: OffsetDateTime) -> Result<OutboxUsage, PortError> {
        match self {
            Self::Postgres(outbox) => outbox.usage(now).await,
            Self::File(outbox) => outbox.usage(now).await,
        }
    }

    /// Deletes all messages of the App, and stores no more changes.
    pub(crate) async fn close(&self) -> Result<(), PortError> {
        match self {
            Self::Postgres(outbox) => outbox.close().await,
            Self::File(outbox) => outbox.close().await,
        }
    }
}
