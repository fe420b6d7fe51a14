//! Stores changes in the outbox of the App, within the transaction that makes them.

use dockline::rules::events;
use dockline::{Change, MessageId};
use rusqlite::Connection;
use time::OffsetDateTime;

use crate::database::AppNumber;
use crate::error::SqliteError;
use crate::messages::queues;

/// The change of a transaction: its id, and the time at which it was made.
#[derive(Debug, Clone)]
pub(super) struct ChangeId {
    pub(super) id: MessageId,
    pub(super) at: OffsetDateTime,
}

/// Stores a change in the queue of its organization, if it has an event and the App's outbox is open.
pub(super) fn store(
    connection: &Connection,
    app: AppNumber,
    change: &Change,
    id: &ChangeId,
) -> Result<(), SqliteError> {
    let Some(organization) = change.organization() else { return Ok(()) };
    if events::of(change).is_empty() || !queues::is_open(connection, app)? {
        return Ok(());
    }
    queues::append_change(connection, app, organization, change, id.id.as_str(), id.at)
}
