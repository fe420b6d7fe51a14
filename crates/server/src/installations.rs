//! `dockline installations`: forgets the final end of an installation.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use dockline::ports::{Clock, SystemClock, Tombstones};
use dockline::{AppId, InstallationId, TombstoneReset};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::database::DatabaseArgs;
use crate::logging;
use crate::storage::{AppStorage, Storage};

type Failure = Box<dyn Error + Send + Sync>;

/// The longest note.
const MOST_NOTE: usize = 500;

/// The subcommands of `dockline installations`.
#[derive(Debug, Clone, Subcommand)]
pub enum InstallationsCommand {
    /// Forget that an installation was uninstalled for good.
    ///
    /// An end that GitHub signed or confirmed is final for the installation's id, because GitHub never reuses an id. A
    /// GitHub Enterprise Server that was restored from a backup may reuse ids. After the reset, the id can be connected
    /// again if GitHub shows it. A record of the reset is kept for ever. Without --yes, the command only prints what it
    /// would forget, and exits with 1.
    Reset(ResetArgs),
    /// List all resets: what was forgotten, when and why.
    Resets(ResetsArgs),
}

/// Options of `dockline installations reset`.
#[derive(Debug, Clone, Args)]
pub struct ResetArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    app: AppArgs,
    /// Id of the installation at GitHub.
    #[arg(value_name = "ID")]
    installation: InstallationId,
    /// Who resets it and why; it is kept with the entry.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = note)]
    note: String,
    /// Reset it without further confirmation.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Options of `dockline installations resets`.
#[derive(Debug, Clone, Args)]
pub struct ResetsArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    app: AppArgs,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

/// The App; needed only if the schema has several.
#[derive(Debug, Clone, Args)]
struct AppArgs {
    /// Id of the App at GitHub, if the schema has several Apps.
    #[arg(long, value_name = "APP_ID")]
    app: Option<AppId>,
    /// Base URL of GitHub's API, if the schema has the App at several hosts.
    #[arg(long, value_name = "URL")]
    api_base: Option<String>,
}

impl AppArgs {
    async fn open(&self, storage: &Storage) -> Result<AppStorage, Failure> {
        let mut apps = storage.apps().list().await?;
        let base = self.api_base.as_ref().map(|base| base.trim_end_matches('/').to_ascii_lowercase());
        apps.retain(|entry| {
            self.app.is_none_or(|app| app == entry.app)
                && base.as_ref().is_none_or(|base| *base == entry.api_base)
        });
        match &*apps {
            [app] => Ok(app.storage.clone()),
            [] => Err("the schema has no such App; dockline apps list shows all Apps".into()),
            _ => Err("the schema has several Apps; choose one with --app and --api-base".into()),
        }
    }
}

fn note(text: &str) -> Result<String, String> {
    if text.chars().count() > MOST_NOTE || text.contains(char::is_control) {
        return Err(format!("a note has at most {MOST_NOTE} characters and no control characters"));
    }
    Ok(text.to_owned())
}

/// Runs the subcommand.
///
/// # Errors
/// If the database cannot be reached or is not migrated, or the installation cannot be reset.
pub async fn run(command: InstallationsCommand) -> Result<ExitCode, Failure> {
    logging::start();
    let said = match command {
        InstallationsCommand::Reset(args) => {
            let tombstones = args.app.open(&args.database.open().await?).await?.tombstones();
            let reset = reset(&*tombstones, &args).await?;
            if args.json { format!("{:#}\n", as_json(&reset)?) } else { line(&reset)? }
        }
        InstallationsCommand::Resets(args) => {
            let tombstones = args.app.open(&args.database.open().await?).await?.tombstones();
            list(&tombstones.resets().await?, args.json)?
        }
    };
    io::stdout().lock().write_all(said.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn reset(tombstones: &dyn Tombstones, args: &ResetArgs) -> Result<TombstoneReset, Failure> {
    let id = args.installation;
    let not_ended = || -> Failure {
        format!(
            "installation {id} was not uninstalled for good, or is unknown, so there is nothing to forget: one that is only \
             missing or absent returns as soon as GitHub shows it"
        )
        .into()
    };
    let found = tombstones.find(id).await?.ok_or_else(not_ended)?;
    let bound = |organization| -> Failure {
        format!(
            "installation {id} is still bound to the organization {organization}: have it detach first (DELETE \
             /v1/github/installation with its API key)"
        )
        .into()
    };
    if let Some(organization) = found.organization {
        return Err(bound(organization));
    }
    if !args.yes {
        let ended = found.ended_at.format(&Rfc3339)?;
        return Err(format!(
            "nothing was changed: this forgets that installation {id} was uninstalled (by {}) at {ended}; repeat the \
             command with --yes",
            found.by
        )
        .into());
    }
    match tombstones.reset(id, &args.note, SystemClock.now()).await? {
        Some(reset) => {
            tracing::warn!(installation = %id, by = %reset.by, note = reset.note, "forgot the end of an installation");
            Ok(reset)
        }
        // Another operator was faster.
        None => Err(not_ended()),
    }
}

fn list(resets: &[TombstoneReset], json: bool) -> Result<String, Failure> {
    if json {
        let rows: Vec<Value> = resets.iter().map(as_json).collect::<Result<_, _>>()?;
        return Ok(format!("{:#}\n", Value::Array(rows)));
    }
    if resets.is_empty() {
        return Ok("no end of an installation was forgotten\n".to_owned());
    }
    resets.iter().map(line).collect()
}

fn line(reset: &TombstoneReset) -> Result<String, Failure> {
    let (ended, at) = (reset.ended_at.format(&Rfc3339)?, reset.reset_at.format(&Rfc3339)?);
    let TombstoneReset { installation, by, note, .. } = reset;
    Ok(format!("{at}  installation {installation}  uninstalled (by {by}) at {ended}  {note}\n"))
}

fn as_json(reset: &TombstoneReset) -> Result<Value, Failure> {
    Ok(json!({
        "installation": reset.installation.get(), "uninstalledBy": reset.by.as_str(),
        "endedAt": reset.ended_at.format(&Rfc3339)?, "resetAt": reset.reset_at.format(&Rfc3339)?,
        "note": reset.note,
    }))
}
