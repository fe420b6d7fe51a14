mod rows;
mod sql;
mod store;

use async_trait::async_trait;
use deadpool_postgres::Pool;
use dockline::ports::{EntryCursor, EntryFilter, Outbox, RetryOutcome};
use dockline::rules::outbox::LETS_PASS_FOR;
use dockline::{
    Backlog, EntryStatus, FailedAttempt, Lease, MessageId, OrganizationId, OutboxBounds, OutboxEntry,
    OutboxMessage, OutboxUsage, PortError, PortName, Verdict,
};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use self::rows::{column, entry, message, number, organization};
use self::store::Storing;
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

/// The outbox of an App: queues in `outbox_queues`, messages in `outbox_entries` and bodies in `outbox_bodies`.
///
/// Once it is open, every [`PgBindingRepo`](crate::PgBindingRepo) of the App stores changes there, on every node and in
/// every command, until [`PgOutbox::close`].
#[derive(Debug, Clone)]
pub struct PgOutbox {
    database: Database,
    bounds: OutboxBounds,
    storing: Storing,
    in_use: Statement,
    close: Statement,
    lease: Statement,
    renew: Statement,
    read: Statement,
    settle: Statement,
    release: Statement,
    list: Statement,
    find: Statement,
    retry: Statement,
    backlog: Statement,
}

impl PgOutbox {
    /// The number of deliveries that one outbox stores at the same time, each of up to 25 MiB. Others wait.
    pub const STORED_AT_ONCE: usize = 4;

    /// Opens the outbox of the App, which then stores changes. Opening it again changes nothing.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn open(app: &AppDatabase, bounds: OutboxBounds) -> Result<Self, PortError> {
        let open = app.statement(sql::OPEN, &[]);
        app.database().rows(&open, &[]).await.map_err(port_error)?;
        Ok(Self::new(app, bounds))
    }

    /// Uses the outbox of the App, open or not: for commands that only look at it.
    #[must_use]
    pub fn new(app: &AppDatabase, bounds: OutboxBounds) -> Self {
        let at_lease = &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ];
        Self {
            bounds,
            storing: Storing::new(app),
            in_use: app.statement(sql::IN_USE, &[Type::TIMESTAMPTZ]),
            close: app.statement(sql::CLOSE, &[]),
            lease: app.statement(sql::LEASE, &[Type::TIMESTAMPTZ, Type::TIMESTAMPTZ]),
            renew: app.statement(sql::RENEW, at_lease),
            read: app.statement(sql::READ, sql::READ_TYPES),
            settle: app.statement(sql::SETTLE, sql::SETTLE_TYPES),
            release: app.statement(sql::RELEASE, at_lease),
            list: app.statement(sql::LIST, sql::LIST_TYPES),
            find: app.statement(sql::FIND, &[Type::TEXT]),
            retry: app.statement(sql::RETRY, &[Type::TEXT, Type::TIMESTAMPTZ]),
            backlog: app.statement(sql::BACKLOG, &[]),
            database: app.database().clone(),
        }
    }

    /// Stores deliveries over connections of this pool, of which [`PgOutbox::STORED_AT_ONCE`] suffice, so that large bodies
    /// never keep requests waiting for a connection.
    #[must_use]
    pub fn with_delivery_pool(mut self, pool: Pool) -> Self {
        self.storing.database = self.storing.database.with_pool(pool);
        self
    }

    /// Returns whether the outbox is open, and whether a consumer has leased a queue.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn usage(&self, now: OffsetDateTime) -> Result<OutboxUsage, PortError> {
        let row = self.database.row(&self.in_use, &[&column_time(now)]).await.map_err(port_error)?;
        let usage = |row| Ok(OutboxUsage { is_open: get(row, "open")?, is_leased: get(row, "leased")? });
        row.as_ref().map(usage).transpose().map(Option::unwrap_or_default).map_err(port_error)
    }

    /// Closes the outbox: **deletes all messages of the App, delivered or not**, and the keys of deliveries. No more changes
    /// are stored.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    pub async fn close(&self) -> Result<(), PortError> {
        self.database.rows(&self.close, &[]).await.map(drop).map_err(port_error)
    }
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::Outbox)
}

fn token(lease: &Lease) -> i64 {
    i64::try_from(lease.token).unwrap_or(i64::MAX)
}

fn position(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

fn queue(lease: &Lease) -> &str {
    column(lease.organization.as_ref())
}

#[async_trait]
impl Outbox for PgOutbox {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<Lease>, PortError> {
        let until = column_time(until);
        let row = self.database.row(&self.lease, &[&column_time(now), &until]).await.map_err(port_error)?;
        let lease =
            |row| Ok(Lease { organization: organization(row)?, token: number(row, "lease_token")?, until });
        row.as_ref().map(lease).transpose().map_err(port_error)
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<bool, PortError> {
        let row = self.database.row(&self.renew, &[&queue(lease), &token(lease), &column_time(until)]).await;
        Ok(row.map_err(port_error)?.is_some())
    }

    async fn read(
        &self,
        lease: &Lease,
        now: OffsetDateTime,
        most: u32,
        most_bytes: u64,
    ) -> Result<Vec<OutboxMessage>, PortError> {
        let (most, most_bytes) = (i64::from(most), i64::try_from(most_bytes).unwrap_or(i64::MAX));
        let overdue = column_time(now.saturating_sub(LETS_PASS_FOR));
        let rows = self
            .database
            .rows(
                &self.read,
                &[&queue(lease), &token(lease), &column_time(now), &most, &most_bytes, &overdue],
            )
            .await
            .map_err(port_error)?;
        rows.iter().map(message).collect::<Result<_, _>>().map_err(port_error)
    }

    async fn settle(&self, lease: &Lease, sequence: u64, verdict: Verdict) -> Result<bool, PortError> {
        let (status, next, settled_at, failed) = match verdict {
            Verdict::Done { at } => (Some(EntryStatus::Done), None, Some(at), None),
            Verdict::RetryLater { failed, next_attempt_at } => {
                (None, Some(next_attempt_at), None, Some(failed))
            }
            Verdict::SetAside { failed, next_attempt_at } => {
                (Some(EntryStatus::SetAside), Some(next_attempt_at), None, Some(failed))
            }
            Verdict::Dead { failed } => (Some(EntryStatus::Dead), None, Some(failed.at), Some(failed)),
        };
        let row = self
            .database
            .row(
                &self.settle,
                &[
                    &queue(lease),
                    &token(lease),
                    &position(sequence),
                    &status.map(EntryStatus::as_str),
                    &next.map(column_time),
                    &settled_at.map(column_time),
                    &failed.as_ref().map(|failed| column_time(failed.at)),
                    &i64::from(failed.as_ref().is_some_and(|failed| failed.refused)),
                    &failed.as_ref().map(FailedAttempt::kept_cause),
                ],
            )
            .await;
        Ok(row.map_err(port_error)?.is_some())
    }

    async fn release(&self, lease: &Lease, now: OffsetDateTime) -> Result<(), PortError> {
        let released =
            self.database.rows(&self.release, &[&queue(lease), &token(lease), &column_time(now)]).await;
        released.map(drop).map_err(port_error)
    }

    async fn list(
        &self,
        filter: &EntryFilter,
        after: Option<EntryCursor>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, PortError> {
        let rows = self
            .database
            .rows(
                &self.list,
                &[
                    &filter.organization.as_ref().map(OrganizationId::as_str),
                    &filter.status.map(EntryStatus::as_str),
                    &after.as_ref().map(|after| column(after.organization.as_ref())),
                    &after.as_ref().map(|after| position(after.sequence)),
                    &i64::from(limit),
                ],
            )
            .await
            .map_err(port_error)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(port_error)
    }

    async fn find(&self, id: &MessageId) -> Result<Option<OutboxMessage>, PortError> {
        let row = self.database.row(&self.find, &[&id.as_str()]).await.map_err(port_error)?;
        row.as_ref().map(message).transpose().map_err(port_error)
    }

    async fn retry(&self, id: &MessageId, now: OffsetDateTime) -> Result<RetryOutcome, PortError> {
        let row =
            self.database.row(&self.retry, &[&id.as_str(), &column_time(now)]).await.map_err(port_error)?;
        let Some(row) = row else { return Ok(RetryOutcome::Unknown) };
        let queued = get(&row, "queued").map_err(port_error)?;
        Ok(if queued { RetryOutcome::Queued } else { RetryOutcome::BodyDeleted })
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        let row = self.database.row(&self.backlog, &[]).await.map_err(port_error)?;
        let backlog = |row| {
            Ok(Backlog {
                waiting: number(row, "waiting")?,
                set_aside: number(row, "set_aside")?,
                dead: number(row, "dead")?,
                bytes: number(row, "bytes")?,
                oldest: get(row, "oldest")?,
            })
        };
        row.as_ref().map(backlog).transpose().map(Option::unwrap_or_default).map_err(port_error)
    }
}
