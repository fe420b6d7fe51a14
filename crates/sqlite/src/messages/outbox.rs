use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{EntryCursor, EntryFilter, Outbox, RetryOutcome};
use dockline::{
    Backlog, Lease, MessageId, OutboxBounds, OutboxEntry, OutboxMessage, OutboxUsage, PortError, PortName,
    Verdict,
};
use rusqlite::params;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use super::{lease, list, read, settle};
use crate::database::AppDatabase;
use crate::decode::{column_time, execute, get, row};

const PORT: PortName = PortName::Outbox;

/// Closing an outbox frees every page of its messages, of up to some GiB. Other writes wait for it.
const CLOSE_DEADLINE: Duration = Duration::from_secs(600);

const OPEN: &str = "INSERT INTO outboxes (app, bytes) VALUES (?1, 0) ON CONFLICT (app) DO NOTHING";

/// Deletes queues, entries and bodies, too, by their references.
const CLOSE: &str = "DELETE FROM outboxes WHERE app = ?1";

const IN_USE: &str = "SELECT EXISTS (SELECT 1 FROM outboxes WHERE app = ?1) AS open, \
    EXISTS (SELECT 1 FROM outbox_queues WHERE app = ?1 AND lease_until > ?2) AS leased";

/// The outbox of an App: queues in `outbox_queues`, messages in `outbox_entries` and bodies in `outbox_bodies`.
///
/// Once it is open, every [`SqliteBindingRepo`](crate::SqliteBindingRepo) of the App stores changes there, in every process,
/// until [`SqliteOutbox::close`].
#[derive(Debug, Clone)]
pub struct SqliteOutbox {
    pub(super) database: AppDatabase,
    pub(super) bounds: OutboxBounds,
    /// One permit per delivery that is stored at the same time, of up to 25 MiB each.
    pub(super) turns: Arc<Semaphore>,
}

impl SqliteOutbox {
    /// The number of deliveries that one outbox stores at the same time, each of up to 25 MiB. Others wait.
    pub const STORED_AT_ONCE: usize = 4;

    /// Opens the outbox of the App, which then stores changes. Opening it again changes nothing.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn open(app: &AppDatabase, bounds: OutboxBounds) -> Result<Self, PortError> {
        let outbox = Self::new(app, bounds);
        outbox
            .database
            .write(PORT, |connection, app| execute(connection, OPEN, [app.get()]).map(drop))
            .await?;
        Ok(outbox)
    }

    /// Uses the outbox of the App, open or not: for commands that only look at it. A closed one stores nothing.
    #[must_use]
    pub fn new(app: &AppDatabase, bounds: OutboxBounds) -> Self {
        Self { database: app.clone(), bounds, turns: Arc::new(Semaphore::new(Self::STORED_AT_ONCE)) }
    }

    /// Returns whether the outbox is open, and whether a consumer has leased a queue.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn usage(&self, now: OffsetDateTime) -> Result<OutboxUsage, PortError> {
        let usage = self.database.read(PORT, move |connection, app| {
            row(connection, IN_USE, params![app.get(), column_time(now)], |row| {
                Ok(OutboxUsage { is_open: get(row, "open")?, is_leased: get(row, "leased")? })
            })
        });
        usage.await.map(Option::unwrap_or_default)
    }

    /// Closes the outbox: **deletes all messages of the App, delivered or not**, and the keys of deliveries. No more changes
    /// are stored. Has ten minutes, whatever the deadline of the database is.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn close(&self) -> Result<(), PortError> {
        let database = self.database.database().clone().with_deadline(CLOSE_DEADLINE);
        let patient = database.with_app(self.database.app());
        patient.write(PORT, |connection, app| execute(connection, CLOSE, [app.get()]).map(drop)).await
    }
}

#[async_trait]
impl Outbox for SqliteOutbox {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError> {
        self.database.write(PORT, move |connection, app| lease::lease(connection, app, now, until)).await
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError> {
        let lease = lease.clone();
        self.database.write(PORT, move |connection, app| lease::renew(connection, app, &lease, until)).await
    }

    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError> {
        let lease = lease.clone();
        self.database
            .read(PORT, move |connection, app| read::read(connection, app, &lease, now, most, most_bytes))
            .await
    }

    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        let lease = lease.clone();
        self.database
            .write(PORT, move |connection, app| settle::settle(connection, app, &lease, sequence, &verdict))
            .await
    }

    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError> {
        let lease = lease.clone();
        self.database.write(PORT, move |connection, app| lease::release(connection, app, &lease, now)).await
    }

    async fn list(
        &self,
        filter: &EntryFilter,
        after: Option<EntryCursor>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, PortError> {
        let filter = filter.clone();
        self.database
            .read(PORT, move |connection, app| list::list(connection, app, &filter, after.as_ref(), limit))
            .await
    }

    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError> {
        let id = id.clone();
        self.database.read(PORT, move |connection, app| list::find(connection, app, &id)).await
    }

    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError> {
        let id = id.clone();
        self.database.write(PORT, move |connection, app| settle::retry(connection, app, &id, now)).await
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        self.database.read(PORT, list::backlog).await
    }
}
