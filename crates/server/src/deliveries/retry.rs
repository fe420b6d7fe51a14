use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use dockline::ports::{Clock, EntryCursor, EntryFilter, Outbox, RetryOutcome, SystemClock};
use dockline::{Backlog, EntryStatus, MessageId, PortError};
use serde_json::json;

use super::output::PageEnd;
use super::{FilterArgs, message_id, open, unknown};
use crate::app_database::AppDatabaseArgs;
use crate::terminal::Progress;

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
    let filter = args.filter.filter();
    if args.ids.is_empty() && filter.status == Some(EntryStatus::Done) && filter.organization.is_none() {
        return Err("--status done needs --organization: all accepted messages would be sent again".into());
    }
    let total = match &*args.ids {
        [] => total(&*outbox, &filter).await?,
        ids => u64::try_from(ids.len()).ok(),
    };
    let progress = Progress::start(total, args.json);
    let mut retry = Retry { outbox: &*outbox, json: args.json, progress, done: 0, queued: 0 };
    if args.ids.is_empty() {
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
    retry.end()
}

/// Returns the number of messages, if it is known without reading them.
async fn total(outbox: &dyn Outbox, filter: &EntryFilter) -> Result<Option<u64>, PortError> {
    if filter.organization.is_some() {
        return Ok(None);
    }
    let Backlog { waiting, set_aside, dead, .. } = outbox.backlog().await?;
    Ok(match filter.status {
        Some(EntryStatus::Waiting) => Some(waiting),
        Some(EntryStatus::SetAside) => Some(set_aside),
        Some(EntryStatus::Dead) => Some(dead),
        Some(EntryStatus::Done) | None => None,
    })
}

struct Retry<'a> {
    outbox: &'a dyn Outbox,
    json: bool,
    progress: Progress,
    done: u64,
    queued: u64,
}

impl Retry<'_> {
    async fn message(&mut self, id: &MessageId) -> Result<(), Box<dyn Error + Send + Sync>> {
        let outcome = self.outbox.retry(id, SystemClock.now()).await?;
        let (word, text) = match outcome {
            RetryOutcome::Queued => ("queued", format!("{id} will be sent again")),
            RetryOutcome::BodyDeleted => {
                ("body_deleted", format!("{id} is accepted or dead, and its payload was deleted since"))
            }
            RetryOutcome::Unknown => ("unknown", unknown(id)),
        };
        self.done += 1;
        self.queued += u64::from(outcome == RetryOutcome::Queued);
        // The bar counts those that will be sent; a line per message would hide it.
        if !self.progress.is_shown() || outcome != RetryOutcome::Queued {
            let line = if self.json { json!({ "id": id, "outcome": word }).to_string() } else { text };
            self.progress.suspend(|| writeln!(io::stdout().lock(), "{line}"))?;
        }
        self.progress.set(self.done, format!("{} messages will be sent again", self.queued));
        Ok(())
    }

    fn end(self) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        let is_shown = self.progress.is_shown();
        self.progress.finish();
        if is_shown {
            writeln!(io::stdout().lock(), "{} of {} messages will be sent again", self.queued, self.done)?;
        }
        Ok(if self.queued == self.done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
