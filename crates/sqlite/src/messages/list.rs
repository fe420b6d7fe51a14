//! Lists, finds and counts messages for operators.

use dockline::ports::{EntryCursor, EntryFilter};
use dockline::{Backlog, EntryStatus, MessageId, OrganizationId, OutboxEntry, OutboxMessage};
use rusqlite::{Connection, params};

use super::queues::column;
use super::rows::{entry, entry_columns, message, messages};
use crate::database::AppNumber;
use crate::decode::{column_number, nullable_time, number, row, rows};
use crate::error::SqliteError;

const LIST: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM outbox_entries AS e WHERE app = ?1 AND (?2 IS NULL OR organization = ?2) AND (?3 IS NULL OR status = ?3) \
     AND (?4 IS NULL OR (organization, sequence) > (?4, ?5)) ORDER BY organization, sequence LIMIT ?6"
);

const FIND: &str = concat!(
    messages!(),
    "WHERE e.app = ?1 AND e.id = ?2 ORDER BY e.received_at DESC, e.sequence DESC LIMIT 1"
);

const BACKLOG: &str = "SELECT count(*) FILTER (WHERE status = 'waiting') AS waiting, \
     count(*) FILTER (WHERE status = 'set_aside') AS set_aside, count(*) FILTER (WHERE status = 'dead') AS dead, \
     min(received_at) FILTER (WHERE status IN ('waiting', 'set_aside')) AS oldest, \
     coalesce((SELECT bytes FROM outboxes WHERE app = ?1), 0) AS bytes \
    FROM outbox_entries WHERE app = ?1 AND status <> 'done'";

pub(super) fn list(
    connection: &Connection,
    app: AppNumber,
    filter: &EntryFilter,
    after: Option<&EntryCursor>,
    limit: u32,
) -> Result<Vec<OutboxEntry>, SqliteError> {
    let values = params![
        app.get(),
        filter.organization.as_ref().map(OrganizationId::as_str),
        filter.status.map(EntryStatus::as_str),
        after.map(|after| column(after.organization.as_ref())),
        after.map(|after| column_number(after.sequence)),
        limit,
    ];
    rows(connection, LIST, values, entry)
}

pub(super) fn find(
    connection: &Connection,
    app: AppNumber,
    id: &MessageId,
) -> Result<Option<OutboxMessage>, SqliteError> {
    row(connection, FIND, params![app.get(), id.as_str()], message)
}

pub(super) fn backlog(connection: &Connection, app: AppNumber) -> Result<Backlog, SqliteError> {
    let backlog = row(connection, BACKLOG, [app.get()], |row| {
        Ok(Backlog {
            waiting: number(row, "waiting")?,
            set_aside: number(row, "set_aside")?,
            dead: number(row, "dead")?,
            bytes: number(row, "bytes")?,
            oldest: nullable_time(row, "oldest")?,
        })
    })?;
    Ok(backlog.unwrap_or_default())
}
