//! Settles messages, and sends them again.

use dockline::ports::RetryOutcome;
use dockline::{EntryStatus, FailureRecord, Lease, MessageId, OutboxEntry, Verdict};
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use super::lease::is_leased;
use super::queues::{add_bytes, column, make_due};
use super::rows::{entry, entry_columns};
use crate::database::AppNumber;
use crate::decode::{column_number, column_time, execute, get, row};
use crate::error::SqliteError;

const ENTRY: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM outbox_entries AS e WHERE app = ?1 AND organization = ?2 AND sequence = ?3"
);

const LATEST: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", e.has_body FROM outbox_entries AS e WHERE app = ?1 AND id = ?2 ORDER BY received_at DESC, sequence DESC LIMIT 1"
);

const UPDATE: &str = "UPDATE outbox_entries SET status = ?4, attempts = ?5, refusals = ?6, first_failed_at = ?7, \
     last_cause = ?8, next_attempt_at = ?9, settled_at = ?10 WHERE app = ?1 AND organization = ?2 AND sequence = ?3";

/// Writes what an attempt changes in an entry.
fn update(
    connection: &Connection,
    app: AppNumber,
    entry: &OutboxEntry,
    settled_at: Option<OffsetDateTime>,
) -> Result<(), SqliteError> {
    let failures = &entry.failures;
    let values = params![
        app.get(),
        column(entry.organization.as_ref()),
        column_number(entry.sequence),
        entry.status.as_str(),
        failures.attempts,
        failures.refusals,
        failures.first_at.map(column_time),
        failures.last_cause,
        entry.next_attempt_at.map(column_time),
        settled_at.map(column_time),
    ];
    execute(connection, UPDATE, values).map(drop)
}

pub(super) fn settle(
    connection: &Connection,
    app: AppNumber,
    lease: &Lease,
    sequence: u64,
    verdict: &Verdict,
) -> Result<bool, SqliteError> {
    if !is_leased(connection, app, lease)? {
        return Ok(false);
    }
    let queue = column(lease.organization.as_ref());
    let found = row(connection, ENTRY, params![app.get(), queue, column_number(sequence)], entry)?;
    let is_open = |entry: &OutboxEntry| matches!(entry.status, EntryStatus::Waiting | EntryStatus::SetAside);
    let Some(mut entry) = found.filter(is_open) else { return Ok(false) };
    let (failed, next_attempt_at, settled_at) = match verdict {
        Verdict::Done { at } => {
            entry.status = EntryStatus::Done;
            add_bytes(connection, app, queue, -column_number(entry.size))?;
            (None, None, Some(*at))
        }
        Verdict::RetryLater { failed, next_attempt_at } => (Some(failed), Some(*next_attempt_at), None),
        Verdict::SetAside { failed, next_attempt_at } => {
            entry.status = EntryStatus::SetAside;
            (Some(failed), Some(*next_attempt_at), None)
        }
        Verdict::Dead { failed } => {
            entry.status = EntryStatus::Dead;
            (Some(failed), None, Some(failed.at))
        }
    };
    if let Some(failed) = failed {
        entry.failures = failed.add_to(&entry.failures);
    }
    entry.next_attempt_at = next_attempt_at;
    update(connection, app, &entry, settled_at)?;
    if let Some(next) = next_attempt_at {
        make_due(connection, app, queue, column_time(next))?;
    }
    Ok(true)
}

pub(super) fn retry(
    connection: &Connection,
    app: AppNumber,
    id: &MessageId,
    now: OffsetDateTime,
) -> Result<RetryOutcome, SqliteError> {
    let found = row(connection, LATEST, params![app.get(), id.as_str()], |row| {
        Ok((entry(row)?, get::<bool>(row, "has_body")?))
    })?;
    let Some((mut entry, has_body)) = found else { return Ok(RetryOutcome::Unknown) };
    if !has_body && entry.size > 0 {
        return Ok(RetryOutcome::BodyDeleted);
    }
    let queue = column(entry.organization.as_ref()).to_owned();
    if entry.status == EntryStatus::Waiting {
        entry.next_attempt_at = None;
    } else {
        if entry.status == EntryStatus::Done {
            add_bytes(connection, app, &queue, column_number(entry.size))?;
        }
        entry.status = EntryStatus::SetAside;
        entry.failures = FailureRecord::default();
        entry.next_attempt_at = Some(now);
    }
    update(connection, app, &entry, None)?;
    make_due(connection, app, &queue, column_time(now))?;
    Ok(RetryOutcome::Queued)
}
