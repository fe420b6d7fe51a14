use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use dockline::ports::HistoryOf;
use dockline::{HistoryEntry, InstallationId, OrganizationId};
use serde_json::Value;

use super::organization;
use super::output::history_json;
use crate::app_database::AppDatabaseArgs;
use crate::terminal::{self, minute, visible};

const PAGE: u32 = 1_000;

const HEADINGS: [&str; 8] =
    ["REGISTERED", "RELEASED", "ORGANIZATION", "INSTALLATION", "PROOF", "PROVEN BY", "ACTOR", "RELEASED BY"];

/// Options of `dockline bindings history`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whose").required(true))]
pub struct HistoryArgs {
    #[command(flatten)]
    database: AppDatabaseArgs,
    /// List the bindings of this organization.
    #[arg(value_name = "ORGANIZATION", group = "whose", value_parser = organization)]
    organization: Option<OrganizationId>,
    /// List the bindings of the installation with this id.
    #[arg(long, value_name = "ID", group = "whose")]
    installation: Option<InstallationId>,
    /// Print at most this many bindings.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: HistoryArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let of = match (args.organization, args.installation) {
        (Some(organization), _) => HistoryOf::Organization(organization),
        (None, Some(installation)) => HistoryOf::Installation(installation),
        (None, None) => return Err("name an organization or an installation".into()),
    };
    let directory = args.database.open().await?.directory();
    let (mut entries, mut after, mut left) = (Vec::new(), None, args.limit);
    while left > 0 {
        let page = directory.history(&of, after, left.min(PAGE)).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
        entries.extend(page);
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        let objects: Vec<Value> = entries.iter().map(history_json).collect();
        writeln!(stdout, "{}", Value::from(objects))?;
    } else {
        write!(stdout, "{}", terminal::table(HEADINGS, entries.iter().map(cells)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cells(entry: &HistoryEntry) -> [String; HEADINGS.len()] {
    [
        minute(entry.registered_at),
        entry.released_at.map_or_else(|| "-".to_owned(), minute),
        entry.organization.to_string(),
        entry.installation.to_string(),
        entry.proof.to_string(),
        entry.proven_by.map_or_else(|| "-".to_owned(), |id| id.to_string()),
        visible(entry.actor.as_str()),
        entry.released_by.as_ref().map_or_else(|| "-".to_owned(), |actor| visible(actor.as_str())),
    ]
}
