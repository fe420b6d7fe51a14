//! Reads entries from rows.

use dockline::rules::events;
use dockline::{
    DeliveryGuid, EntryContent, EntryStatus, FailureRecord, InstallationId, OrganizationId, OutboxEntry,
    OutboxMessage,
};
use tokio_postgres::Row;

use crate::decode::{get, parse, parse_nullable, parse_text};
use crate::error::DatabaseError;

/// Reads the organization of a queue, which is empty in the queue of the App itself.
pub(super) fn organization(row: &Row) -> Result<Option<OrganizationId>, DatabaseError> {
    parse(
        row,
        "organization",
        |text: &str| {
            if text.is_empty() { Ok(None) } else { OrganizationId::new(text).map(Some) }
        },
    )
}

/// Returns the organization as the column has it.
pub(super) fn column(organization: Option<&OrganizationId>) -> &str {
    organization.map_or("", OrganizationId::as_str)
}

pub(super) fn number(row: &Row, column: &'static str) -> Result<u64, DatabaseError> {
    parse(row, column, |number: i64| u64::try_from(number))
}

fn count(row: &Row, column: &'static str) -> Result<u32, DatabaseError> {
    parse(row, column, |number: i64| u32::try_from(number))
}

pub(super) fn entry(row: &Row) -> Result<OutboxEntry, DatabaseError> {
    let change = parse_nullable(row, "change", |text: &str| serde_json::from_str(text))?;
    let content = match change {
        Some(change) => EntryContent::Change(change),
        None => EntryContent::Delivery {
            event: get(row, "event")?,
            action: get(row, "action")?,
            guid: parse(row, "guid", |text: String| DeliveryGuid::new(text))?,
        },
    };
    let status: EntryStatus = parse_text(row, "status")?;
    Ok(OutboxEntry {
        id: parse_text(row, "id")?,
        organization: organization(row)?,
        installation: parse_nullable(row, "installation_id", |id: i64| InstallationId::try_from(id))?,
        sequence: number(row, "sequence")?,
        content,
        size: number(row, "size")?,
        received_at: get(row, "received_at")?,
        status,
        failures: FailureRecord {
            attempts: count(row, "attempts")?,
            refusals: count(row, "refusals")?,
            first_at: get(row, "first_failed_at")?,
            last_cause: get(row, "last_cause")?,
        },
        next_attempt_at: get(row, "next_attempt_at")?,
        done_at: if status == EntryStatus::Done { get(row, "settled_at")? } else { None },
    })
}

pub(super) fn message(row: &Row) -> Result<OutboxMessage, DatabaseError> {
    let entry = entry(row)?;
    let body = match &entry.content {
        EntryContent::Change(change) => events::payload(change),
        EntryContent::Delivery { .. } => get::<Option<Vec<u8>>>(row, "body")?.unwrap_or_default(),
    };
    Ok(OutboxMessage { entry, body })
}
