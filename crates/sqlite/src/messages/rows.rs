//! Reads entries from rows.

use dockline::rules::events;
use dockline::{
    DeliveryGuid, EntryContent, EntryStatus, FailureRecord, InstallationId, OrganizationId, OutboxEntry,
    OutboxMessage,
};
use rusqlite::Row;

use crate::decode::{get, nullable_time, number, parse, parse_nullable, small_number, text, time};
use crate::error::SqliteError;

/// The columns of `e` that [`entry`] reads.
macro_rules! entry_columns {
    () => {
        "e.id, e.organization, e.installation_id, e.sequence, e.guid, e.event, e.action, e.change, e.size, e.received_at, \
         e.status, e.attempts, e.refusals, e.first_failed_at, e.last_cause, e.next_attempt_at, e.settled_at"
    };
}

/// The columns of `e` and `b` that [`message`] reads, and the tables.
macro_rules! messages {
    () => {
        concat!(
            "SELECT ",
            crate::messages::rows::entry_columns!(),
            ", b.body FROM outbox_entries AS e LEFT JOIN outbox_bodies AS b \
             ON b.app = e.app AND b.organization = e.organization AND b.sequence = e.sequence "
        )
    };
}

pub(super) use {entry_columns, messages};

/// Reads the organization of a queue, which is empty in the App's own.
pub(super) fn organization(row: &Row<'_>) -> Result<Option<OrganizationId>, SqliteError> {
    parse(
        row,
        "organization",
        |text: String| {
            if text.is_empty() { Ok(None) } else { OrganizationId::new(text).map(Some) }
        },
    )
}

pub(super) fn entry(row: &Row<'_>) -> Result<OutboxEntry, SqliteError> {
    let change = parse_nullable(row, "change", |text: String| serde_json::from_str(&text))?;
    let content = match change {
        Some(change) => EntryContent::Change(change),
        None => EntryContent::Delivery {
            event: get(row, "event")?,
            action: get(row, "action")?,
            guid: parse(row, "guid", |text: String| DeliveryGuid::new(text))?,
        },
    };
    let status: EntryStatus = text(row, "status")?;
    Ok(OutboxEntry {
        id: text(row, "id")?,
        organization: organization(row)?,
        installation: parse_nullable(row, "installation_id", |id: i64| InstallationId::try_from(id))?,
        sequence: number(row, "sequence")?,
        content,
        size: number(row, "size")?,
        received_at: time(row, "received_at")?,
        status,
        failures: FailureRecord {
            attempts: small_number(row, "attempts")?,
            refusals: small_number(row, "refusals")?,
            first_at: nullable_time(row, "first_failed_at")?,
            last_cause: get(row, "last_cause")?,
        },
        next_attempt_at: nullable_time(row, "next_attempt_at")?,
        done_at: if status == EntryStatus::Done { nullable_time(row, "settled_at")? } else { None },
    })
}

pub(super) fn message(row: &Row<'_>) -> Result<OutboxMessage, SqliteError> {
    let entry = entry(row)?;
    let body = match &entry.content {
        EntryContent::Change(change) => events::payload(change),
        EntryContent::Delivery { .. } => get::<Option<Vec<u8>>>(row, "body")?.unwrap_or_default(),
    };
    Ok(OutboxMessage { entry, body })
}
