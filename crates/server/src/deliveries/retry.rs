use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use dockline::ports::{Clock, EntryCursor, Outbox, RetryOutcome, SystemClock};
use dockline::{EntryStatus, MessageId};
use serde_json::json;

use super::output::PageEnd;
use super::{FilterArgs, message_id, open, unknown};
use crate::app_database::AppDatabaseArgs;

const PAGE: u32 = 1_000;

/// Options of `dockline deliveries retry`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "status"]))]
pub struct RetryArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    /// Ids of the messages, as in webhook-id and in dockline deliveries list.
    #[arg(value_name = "ID", value_parser = message_id, conflicts_with = "organization")]
    ids: Vec<MessageId>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Print a JSON object per message.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: RetryArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let outbox = open(&args.database).await?;
    let mut retry = Retry { outbox: &outbox, json: args.json, failed: false };
    if args.ids.is_empty() {
        let filter = args.filter.filter();
        if filter.status == Some(EntryStatus::Done) && filter.organization.is_none() {
            return Err(
                "--status done needs --organization: all accepted messages would be sent again".into()
            );
        }
        let mut after: Option<EntryCursor> = None;
        loop {
            let page = outbox.list(&filter, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(PageEnd::of(last).0);
            for entry in &page {
                retry.message(&entry.id).await?;
            }
        }
    } else {
        for id in &args.ids {
            retry.message(id).await?;
        }
    }
    Ok(if retry.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

struct Retry<'a> {
    outbox: &'a dyn Outbox,
    json: bool,
    failed: bool,
}

impl Retry<'_> {
    async fn message(&mut self, id: &MessageId) -> Result<(), Box<dyn Error + Send + Sync>> {
        let outcome = self.outbox.retry(id, SystemClock.now()).await?;
        let (word, text) = match outcome {
            RetryOutcome::Queued => ("queued", format!("{id} will be sent again")),
            RetryOutcome::BodyDeleted => {
                ("body_deleted", format!("{id} was accepted, and its payload was deleted since"))
            }
            RetryOutcome::Unknown => ("unknown", unknown(id)),
        };
        self.failed |= outcome != RetryOutcome::Queued;
        let mut stdout = io::stdout().lock();
        if self.json {
            writeln!(stdout, "{}", json!({ "id": id, "outcome": word }))?;
        } else {
            writeln!(stdout, "{text}")?;
        }
        Ok(())
    }
}
