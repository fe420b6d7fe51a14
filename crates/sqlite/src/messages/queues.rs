//! Adds entries to queues, and keeps their sums of bytes. Every write is part of the caller's transaction.

use dockline::{Change, OrganizationId};
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use crate::database::AppNumber;
use crate::decode::{column_number, column_time, execute, exists, json, number, row};
use crate::error::SqliteError;

const IS_OPEN: &str = "SELECT 1 FROM outboxes WHERE app = ?1";

const SIZES: &str = "SELECT bytes AS in_all, coalesce((SELECT q.bytes FROM outbox_queues AS q \
     WHERE q.app = ?1 AND q.organization = ?2), 0) AS bytes FROM outboxes WHERE app = ?1";

/// `?3` is when the entry is due.
const APPEND: &str = "INSERT INTO outbox_queues AS q (app, organization, last_sequence, bytes, due_at) \
    VALUES (?1, ?2, 1, 0, ?3) ON CONFLICT (app, organization) DO UPDATE SET last_sequence = q.last_sequence + 1, \
     due_at = min(coalesce(q.due_at, excluded.due_at), excluded.due_at) RETURNING last_sequence";

/// `due_at` is never later than the first entry that is due; a lease looks which it is.
const MAKE_DUE: &str = "UPDATE outbox_queues SET due_at = min(coalesce(due_at, ?3), ?3) \
    WHERE app = ?1 AND organization = ?2";

const ADD_TO_QUEUE: &str = "UPDATE outbox_queues SET bytes = bytes + ?3 WHERE app = ?1 AND organization = ?2";

const ADD_TO_ALL: &str = "UPDATE outboxes SET bytes = bytes + ?2 WHERE app = ?1";

const INSERT_CHANGE: &str = "INSERT INTO outbox_entries \
    (app, organization, sequence, id, installation_id, change, size, has_body, received_at, status) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, ?7, 'waiting')";

/// Returns the organization of a queue as the column has it: empty for the App's own queue.
pub(super) fn column(organization: Option<&OrganizationId>) -> &str {
    organization.map_or("", OrganizationId::as_str)
}

pub(crate) fn is_open(connection: &Connection, app: AppNumber) -> Result<bool, SqliteError> {
    exists(connection, IS_OPEN, [app.get()])
}

/// The undelivered bytes of a queue, and of all together.
pub(super) struct Sizes {
    pub(super) queue: u64,
    pub(super) in_all: u64,
}

/// Returns the sizes; `None` if the outbox is closed.
pub(super) fn sizes(
    connection: &Connection,
    app: AppNumber,
    organization: &str,
) -> Result<Option<Sizes>, SqliteError> {
    row(connection, SIZES, params![app.get(), organization], |row| {
        Ok(Sizes { queue: number(row, "bytes")?, in_all: number(row, "in_all")? })
    })
}

/// Gives the next position of a queue to an entry that is due at this time.
pub(super) fn append(
    connection: &Connection,
    app: AppNumber,
    organization: &str,
    due_at: i64,
) -> Result<u64, SqliteError> {
    let values = params![app.get(), organization, due_at];
    let sequence = row(connection, APPEND, values, |row| number(row, "last_sequence"))?;
    sequence.ok_or_else(|| SqliteError::corrupt("last_sequence", "no row"))
}

/// Makes a queue due at this time, also while it is leased.
pub(super) fn make_due(
    connection: &Connection,
    app: AppNumber,
    organization: &str,
    due_at: i64,
) -> Result<(), SqliteError> {
    execute(connection, MAKE_DUE, params![app.get(), organization, due_at]).map(drop)
}

/// Adds to the sums of undelivered bytes.
pub(crate) fn add_bytes(
    connection: &Connection,
    app: AppNumber,
    organization: &str,
    bytes: i64,
) -> Result<(), SqliteError> {
    if bytes != 0 {
        execute(connection, ADD_TO_QUEUE, params![app.get(), organization, bytes])?;
        execute(connection, ADD_TO_ALL, params![app.get(), bytes])?;
    }
    Ok(())
}

/// Adds a change to the queue of an organization.
pub(crate) fn append_change(
    connection: &Connection,
    app: AppNumber,
    organization: &OrganizationId,
    change: &Change,
    id: &str,
    at: OffsetDateTime,
) -> Result<(), SqliteError> {
    let organization = organization.as_str();
    // Due whatever the consumer's clock says: the time of a change may be that of another clock.
    let sequence = append(connection, app, organization, 0)?;
    let values = params![
        app.get(),
        organization,
        column_number(sequence),
        id,
        i64::from(change.installation),
        json("change", change)?,
        column_time(at),
    ];
    execute(connection, INSERT_CHANGE, values).map(drop)
}
