//! Reads the messages that a consumer sends next.

use dockline::rules::outbox::is_overdue;
use dockline::{Lease, OutboxEntry, OutboxMessage};
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use super::lease::is_leased;
use super::queues::column;
use super::rows::{entry, entry_columns, message, messages};
use crate::database::AppNumber;
use crate::decode::{column_number, column_time, row, rows};
use crate::error::SqliteError;

const WAITING: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM outbox_entries AS e WHERE app = ?1 AND organization = ?2 AND status <> 'done' AND status = 'waiting' ORDER BY sequence LIMIT ?3"
);

const ASIDE: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM outbox_entries AS e WHERE app = ?1 AND organization = ?2 AND status <> 'done' AND status = 'set_aside' AND next_attempt_at <= ?4 \
     ORDER BY next_attempt_at, sequence LIMIT ?3"
);

const MESSAGE: &str = concat!(messages!(), "WHERE e.app = ?1 AND e.organization = ?2 AND e.sequence = ?3");

/// Returns the entries to send at `now`, in the order of [`Outbox::read`](dockline::ports::Outbox::read).
fn due(
    connection: &Connection,
    app: AppNumber,
    queue: &str,
    now: OffsetDateTime,
    most: u32,
) -> Result<Vec<OutboxEntry>, SqliteError> {
    let waiting = rows(connection, WAITING, params![app.get(), queue, most], entry)?;
    let is_due = |entry: &OutboxEntry| entry.next_attempt_at.is_none_or(|next| next <= now);
    let in_turn = waiting.into_iter().take_while(is_due);
    let aside = rows(connection, ASIDE, params![app.get(), queue, most, column_time(now)], entry)?;
    let overdue = usize::from(aside.first().is_some_and(|first| is_overdue(first.next_attempt_at, now)));
    let mut aside = aside.into_iter();
    let first: Vec<_> = aside.by_ref().take(overdue).collect();
    Ok(first.into_iter().chain(in_turn).chain(aside).collect())
}

pub(super) fn read(
    connection: &Connection,
    app: AppNumber,
    lease: &Lease,
    now: OffsetDateTime,
    most: u32,
    most_bytes: u64,
) -> Result<Vec<OutboxMessage>, SqliteError> {
    if !is_leased(connection, app, lease)? {
        return Ok(Vec::new());
    }
    let queue = column(lease.organization.as_ref());
    let (mut found, mut bytes) = (Vec::new(), 0_u64);
    for entry in due(connection, app, queue, now, most)? {
        bytes = bytes.saturating_add(entry.size);
        let is_enough = bytes > most_bytes && !found.is_empty();
        if is_enough || found.len() as u64 >= u64::from(most) {
            break;
        }
        let values = params![app.get(), queue, column_number(entry.sequence)];
        found.extend(row(connection, MESSAGE, values, message)?);
    }
    Ok(found)
}
