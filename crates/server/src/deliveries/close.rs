use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::Backlog;
use dockline::ports::{Clock, SystemClock};
use serde_json::json;

use crate::app_database::AppDatabaseArgs;
use crate::terminal::ConsentArgs;

/// Options of `dockline deliveries close`.
#[derive(Debug, Clone, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    #[command(flatten)]
    consent: ConsentArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: CloseArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let outbox = args.database.open().await?.outbox();
    let usage = outbox.usage(SystemClock.now()).await?;
    if usage.is_leased {
        return Err("a consumer is sending messages: stop all nodes with --forward-to, and every program that consumes the \
             outbox; after a crash, wait a minute"
            .into());
    }
    let backlog = outbox.port().backlog().await?;
    let Backlog { waiting, set_aside, dead, bytes, .. } = backlog;
    let messages =
        format!("{waiting} waiting, {set_aside} set-aside and {dead} dead messages ({bytes} bytes)");
    let question = format!(
        "Delete {messages}, which the product never gets, and store no more events? This cannot be undone."
    );
    if !args.consent.ask(&question)? {
        return Err("nothing was changed".into());
    }
    outbox.close().await?;
    let mut stdout = io::stdout().lock();
    if args.json {
        let deleted = json!({ "waiting": waiting, "setAside": set_aside, "dead": dead, "bytes": bytes });
        writeln!(stdout, "{}", json!({ "wasOpen": usage.is_open, "deleted": deleted }))?;
    } else if usage.is_open {
        writeln!(stdout, "closed the outbox: deleted {messages}")?;
    } else {
        writeln!(stdout, "the outbox was closed before: deleted {messages}")?;
    }
    Ok(ExitCode::SUCCESS)
}
