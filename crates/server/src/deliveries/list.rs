use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::OutboxEntry;
use serde_json::json;

use super::output::{PageEnd, kind, organization};
use super::{FilterArgs, open};
use crate::app_database::AppDatabaseArgs;
use crate::terminal::{self, minute, visible};

const HEADINGS: [&str; 9] = [
    "ID",
    "ORGANIZATION",
    "SEQUENCE",
    "TYPE",
    "STATUS",
    "RECEIVED",
    "ATTEMPTS",
    "NEXT ATTEMPT",
    "LAST CAUSE",
];

/// Options of `dockline deliveries list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// Start after this message: SEQUENCE:ORGANIZATION of the last one of the page before.
    #[arg(long, value_name = "POSITION")]
    after: Option<PageEnd>,
    /// Print at most this many messages.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print one JSON object with the messages, and the position to continue after.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: ListArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let outbox = open(&args.database).await?;
    let after = args.after.map(|end| end.0);
    // One more shows whether there is a next page.
    let mut entries = outbox.list(&args.filter.filter(), after, args.limit + 1).await?;
    let is_last = entries.len() <= args.limit as usize;
    entries.truncate(args.limit as usize);
    let next = entries.last().filter(|_| !is_last).map(|last| PageEnd::of(last).to_string());
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "deliveries": entries, "next": next }))?;
    } else {
        write!(stdout, "{}", terminal::table(HEADINGS, entries.iter().map(cells)))?;
        if let Some(next) = next {
            writeln!(io::stderr(), "There are more: repeat with --after '{next}'")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn cells(entry: &OutboxEntry) -> [String; HEADINGS.len()] {
    let none = || "-".to_owned();
    [
        entry.id.to_string(),
        organization(entry),
        entry.sequence.to_string(),
        kind(entry),
        entry.status.to_string(),
        minute(entry.received_at),
        entry.failures.attempts.to_string(),
        entry.next_attempt_at.map_or_else(none, minute),
        entry.failures.last_cause.as_deref().map_or_else(none, visible),
    ]
}
