use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::{InstallationId, MessageId, OutboxEntry, OutboxMessage, format_timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::output::{kind, organization};
use super::{message_id, open, unknown};
use crate::app_database::AppDatabaseArgs;
use crate::terminal::visible;

/// Options of `dockline deliveries show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    /// Id of the message, as in webhook-id and in dockline deliveries list.
    #[arg(value_name = "ID", value_parser = message_id)]
    id: MessageId,
    /// Print one JSON object, with the payload.
    #[arg(long)]
    json: bool,
}

/// A message as JSON. The payload is `null` if it was deleted, some time after the product accepted the message.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a OutboxEntry,
    payload: Option<&'a RawValue>,
}

pub(super) async fn run(args: ShowArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let found = open(&args.database).await?.find(&args.id).await?;
    let OutboxMessage { entry, body } = found.ok_or_else(|| unknown(&args.id))?;
    let mut stdout = io::stdout().lock();
    if args.json {
        let payload = serde_json::from_slice(&body).ok();
        writeln!(stdout, "{}", serde_json::to_string(&Shown { entry: &entry, payload })?)?;
    } else {
        for (name, value) in rows(&entry) {
            writeln!(stdout, "{name:16}{value}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rows(entry: &OutboxEntry) -> [(&'static str, String); 13] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let time = |at: Option<OffsetDateTime>| or_none(at.map(format_timestamp));
    let failures = &entry.failures;
    [
        ("id", entry.id.to_string()),
        ("organization", organization(entry)),
        ("installation", or_none(entry.installation.map(|id: InstallationId| id.to_string()))),
        ("sequence", entry.sequence.to_string()),
        ("type", kind(entry)),
        ("bytes", entry.size.to_string()),
        ("received", format_timestamp(entry.received_at)),
        ("status", entry.status.to_string()),
        ("failed attempts", failures.attempts.to_string()),
        ("first failure", time(failures.first_at)),
        ("last cause", or_none(failures.last_cause.as_deref().map(visible))),
        ("next attempt", time(entry.next_attempt_at)),
        ("accepted", time(entry.done_at)),
    ]
}
