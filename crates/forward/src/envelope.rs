use dockline::rules::events;
use dockline::{
    AppId, EntryContent, InstallationId, MessageId, OrganizationId, OutboxEntry, OutboxMessage,
    format_timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

/// The body of a request: everything about a message, since the signature covers nothing else of the request than this, the
/// id and the time.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    id: &'a MessageId,
    #[serde(rename = "type")]
    kind: &'a str,
    app: AppId,
    organization: Option<&'a OrganizationId>,
    installation: Option<InstallationId>,
    action: Option<&'a str>,
    received_at: String,
    sequence: u64,
    /// The bytes of the outbox, so that the payload is what GitHub sent.
    payload: &'a RawValue,
}

/// The payload of the message is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload is not JSON")]
pub(crate) struct InvalidPayload;

/// Returns the envelope of a message as JSON.
pub(crate) fn seal(app: AppId, message: &OutboxMessage) -> Result<Vec<u8>, InvalidPayload> {
    let OutboxMessage { entry, body } = message;
    let payload: &RawValue = serde_json::from_slice(body).map_err(|_| InvalidPayload)?;
    let envelope = Envelope {
        id: &entry.id,
        kind: events::type_of(&entry.content),
        app,
        organization: entry.organization.as_ref(),
        installation: entry.installation,
        action: action(entry),
        received_at: format_timestamp(entry.received_at),
        sequence: entry.sequence,
        payload,
    };
    let mut json = Vec::with_capacity(body.len() + 1_024);
    serde_json::to_writer(&mut json, &envelope).map_err(|_| InvalidPayload)?;
    Ok(json)
}

fn action(entry: &OutboxEntry) -> Option<&str> {
    match &entry.content {
        EntryContent::Delivery { action, .. } => action.as_deref(),
        EntryContent::Change(_) => None,
    }
}
