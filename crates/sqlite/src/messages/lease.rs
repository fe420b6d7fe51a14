//! Leases queues to consumers.

use dockline::Lease;
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use super::queues::column;
use super::rows::organization;
use crate::database::AppNumber;
use crate::decode::{column_number, column_time, execute, exists, get, number, row, stored_time};
use crate::error::SqliteError;

const NEXT: &str = "SELECT organization FROM outbox_queues WHERE app = ?1 AND due_at <= ?2 \
     AND (lease_until IS NULL OR lease_until <= ?2) ORDER BY due_at, organization LIMIT 1";

/// Leaves `due_at` as it is, so that the queue of a consumer that crashed is found when the lease has ended.
const LEASE: &str = "UPDATE outbox_queues SET lease_token = lease_token + 1, lease_until = ?3 \
    WHERE app = ?1 AND organization = ?2 RETURNING organization, lease_token";

const IS_LEASED: &str = "SELECT 1 FROM outbox_queues WHERE app = ?1 AND organization = ?2 AND lease_token = ?3 \
     AND lease_until IS NOT NULL";

const RENEW: &str = "UPDATE outbox_queues SET lease_until = ?3 WHERE app = ?1 AND organization = ?2";

const POSTPONE: &str = "UPDATE outbox_queues SET due_at = ?3 WHERE app = ?1 AND organization = ?2";

const RELEASE: &str =
    "UPDATE outbox_queues SET lease_until = NULL, due_at = ?3 WHERE app = ?1 AND organization = ?2";

/// The time from which a queue has something to send. Among entries that wait for their turn, only the first matters;
/// if it has no time, it is due at once.
const DUE: &str = "SELECT min(due) AS due FROM ( \
     SELECT * FROM (SELECT coalesce(next_attempt_at, -9223372036854775807) AS due FROM outbox_entries \
      WHERE app = ?1 AND organization = ?2 AND status <> 'done' AND status = 'waiting' ORDER BY sequence LIMIT 1) \
     UNION ALL \
     SELECT next_attempt_at FROM outbox_entries \
      WHERE app = ?1 AND organization = ?2 AND status <> 'done' AND status = 'set_aside')";

fn due(connection: &Connection, app: AppNumber, organization: &str) -> Result<Option<i64>, SqliteError> {
    let due = row(connection, DUE, params![app.get(), organization], |row| get(row, "due"))?;
    Ok(due.flatten())
}

pub(super) fn lease(
    connection: &Connection,
    app: AppNumber,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Option<Lease>, SqliteError> {
    let at = column_time(now);
    let until = stored_time(until);
    loop {
        let next = row(connection, NEXT, params![app.get(), at], |row| get::<String>(row, "organization"))?;
        let Some(next) = next else { return Ok(None) };
        let due = due(connection, app, &next)?;
        if due.is_none_or(|due| due > at) {
            // A consumer settled what was due, and crashed. Its lease stays, should it live on.
            execute(connection, POSTPONE, params![app.get(), next, due])?;
            continue;
        }
        return row(connection, LEASE, params![app.get(), next, column_time(until)], |row| {
            Ok(Lease { organization: organization(row)?, token: number(row, "lease_token")?, until })
        });
    }
}

/// Returns whether the lease is not lost.
pub(super) fn is_leased(connection: &Connection, app: AppNumber, lease: &Lease) -> Result<bool, SqliteError> {
    let queue = column(lease.organization.as_ref());
    exists(connection, IS_LEASED, params![app.get(), queue, column_number(lease.token)])
}

pub(super) fn renew(
    connection: &Connection,
    app: AppNumber,
    lease: &Lease,
    until: OffsetDateTime,
) -> Result<bool, SqliteError> {
    let is_leased = is_leased(connection, app, lease)?;
    if is_leased {
        let queue = column(lease.organization.as_ref());
        execute(connection, RENEW, params![app.get(), queue, column_time(until)])?;
    }
    Ok(is_leased)
}

pub(super) fn release(
    connection: &Connection,
    app: AppNumber,
    lease: &Lease,
    now: OffsetDateTime,
) -> Result<(), SqliteError> {
    if is_leased(connection, app, lease)? {
        let queue = column(lease.organization.as_ref());
        // After those that wait already.
        let due = due(connection, app, queue)?.map(|due| due.max(column_time(now)));
        execute(connection, RELEASE, params![app.get(), queue, due])?;
    }
    Ok(())
}
