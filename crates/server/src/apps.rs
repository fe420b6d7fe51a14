//! `dockline apps`: the GitHub Apps of a schema, and the check that this program's App is one of them.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use dockline::AppId;
use dockline::ports::{Clock, GithubGateway, SystemClock};
use dockline_github::GithubApp;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::config::{ConfigError, ConfigErrors};
use crate::database::DatabaseArgs;
use crate::github_app::{self, Connected, GithubArgs};
use crate::logging;
use crate::serve::checks::chain;
use crate::storage::{AppEntry, AppStorage, Storage};

/// The subcommands of `dockline apps`.
#[derive(Debug, Clone, Subcommand)]
pub enum AppsCommand {
    /// List the Apps whose bindings are in the schema.
    List(ListArgs),
    /// Add the configured App to the schema, or put it back into use.
    ///
    /// GitHub must accept the App's credential. Afterwards serve starts with it. Each App has its own bindings and states;
    /// API keys and their budgets are shared.
    Add(Box<AddArgs>),
    /// Take an App out of use. Programs with its credential do not start; its bindings stay.
    Retire(RetireArgs),
    /// Change the API's base URL of an App, after its GitHub Enterprise Server was renamed.
    Rename(RenameArgs),
}

/// Options of `dockline apps list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

/// Options of `dockline apps add`.
#[derive(Debug, Clone, Args)]
pub struct AddArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
}

/// Options of `dockline apps retire`.
#[derive(Debug, Clone, Args)]
pub struct RetireArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    app: AppArgs,
}

/// Options of `dockline apps rename`.
#[derive(Debug, Clone, Args)]
pub struct RenameArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    app: AppArgs,
    /// The new base URL, such as `https://github.new.example.com/api/v3`.
    #[arg(long, value_name = "URL")]
    to: String,
}

/// The App, as `dockline apps list` shows it.
#[derive(Debug, Clone, Args)]
struct AppArgs {
    /// Id of the App at GitHub.
    #[arg(value_name = "APP_ID")]
    app: AppId,
    /// Base URL of GitHub's API.
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api_base: String,
}

/// Runs the subcommand.
///
/// # Errors
/// If the database cannot be reached or is not migrated, the App is unknown, or GitHub rejects its credential.
pub async fn run(command: AppsCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    let said = match command {
        AppsCommand::List(args) => list(&args.database.open().await?.apps().list().await?, args.json)?,
        AppsCommand::Add(args) => add(&args).await?,
        AppsCommand::Retire(RetireArgs { database, app: AppArgs { app, api_base } }) => {
            let apps = database.open().await?.apps();
            if !apps.retire(&api_base, app, SystemClock.now()).await? {
                return Err(unknown(app, &api_base).into());
            }
            format!("retired App {app} at {api_base}\n")
        }
        AppsCommand::Rename(RenameArgs { database, app: AppArgs { app, api_base }, to }) => {
            let apps = database.open().await?.apps();
            if !apps.rename(&api_base, app, &to).await? {
                return Err(unknown(app, &api_base).into());
            }
            format!("renamed App {app} at {api_base} to {to}\n")
        }
    };
    io::stdout().lock().write_all(said.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(app: AppId, api_base: &str) -> String {
    format!("there is no App {app} in use at {api_base}; dockline apps list shows all Apps")
}

async fn add(args: &AddArgs) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut errors = ConfigErrors::default();
    let (database, configured) = (args.database.check(&mut errors), args.github.check(&mut errors));
    let (Some(location), Some(configured)) = (database, configured) else { return Err(errors.into()) };
    let Connected { github, settings, differences } = github_app::connect(&configured).await?;
    differences.into_result()?;
    settings?;
    let (app, api_base) = (github.registration().app, github.api_base());
    let storage = location.open().await?;
    let (number, _) = storage.apps().add(api_base, app, SystemClock.now()).await?;
    Ok(format!("App {app} at {api_base} is number {number} of {}\n", storage.name()))
}

fn list(apps: &[AppEntry], as_json: bool) -> Result<String, time::error::Format> {
    let mut rows = Vec::new();
    let mut text = String::new();
    for AppEntry { number, api_base, app, added_at, retired_at, .. } in apps {
        let added = added_at.format(&Rfc3339)?;
        let retired = retired_at.map(|at| at.format(&Rfc3339)).transpose()?;
        let state = retired.as_ref().map_or_else(|| "in use".to_owned(), |at| format!("retired {at}"));
        text.push_str(&format!("{number}  App {app} at {api_base}  added {added}  {state}\n"));
        rows.push(json!({
            "number": number, "appId": app.get(), "apiBase": api_base, "addedAt": added, "retiredAt": retired,
        }));
    }
    if text.is_empty() {
        text.push_str("there is no App yet; serve adds its own\n");
    }
    Ok(if as_json { format!("{:#}\n", Value::Array(rows)) } else { text })
}

/// Returns the storage restricted to the App of `github`. A storage without an App gets it; with `new_app`, one with other
/// Apps, too.
///
/// # Errors
/// If the storage belongs to other Apps, or has bindings that are not this App's.
pub(crate) async fn open(
    storage: &Storage,
    github: &GithubApp,
    new_app: bool,
) -> Result<AppStorage, ConfigErrors> {
    let apps = storage.apps();
    let now = SystemClock.now();
    let failed = |error: &(dyn Error + 'static), help| {
        ConfigErrors::from(ConfigError::new(storage.name(), chain(error), help))
    };
    match apps.open(github, now).await {
        Err(error) if error.is_foreign() && new_app => {
            let added = apps.add(github.api_base(), github.registration().app, now).await;
            added
                .map(|(_, added)| added)
                .map_err(|error| failed(&error, "repeat when the database is reachable"))
        }
        opened => opened.map_err(|error| failed(&error, error.help())),
    }
}
