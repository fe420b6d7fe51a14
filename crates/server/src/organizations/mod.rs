//! `dockline organizations`: exports and erases what is stored about organizations and persons.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use dockline::ports::{Clock, Forgotten, OsEntropy, Pseudonyms, SystemClock};
use dockline::{AccountId, OrganizationId};
use serde_json::{Value, json};

use crate::bindings::organization;
use crate::database::DatabaseArgs;
use crate::logging;
use crate::terminal::ConsentArgs;
use crate::terminal::Progress;

/// The subcommands of `dockline organizations`.
#[derive(Debug, Clone, Subcommand)]
pub enum OrganizationsCommand {
    /// Print all stored data of an organization, of all Apps, as one JSON object.
    ///
    /// It has an array for each table, of objects with its columns. Hashes of secrets are left out. Exits with 1 if nothing is
    /// stored.
    Export(ExportArgs),
    /// Erase an organization or a GitHub user, of all Apps. This cannot be undone.
    ///
    /// Deletes the organization's API keys, states and messages, ends its binding, and replaces organization, actors and visitors in the
    /// history by a random name. To remove the App from the GitHub account, too, run dockline bindings detach --uninstall
    /// first. A request in flight may store the organization again, so repeat the command if the product still used it.
    ///
    /// Messages that the product has not received yet stay unchanged; the command prints how many of them name the
    /// GitHub user.
    Forget(ForgetArgs),
}

/// Options of `dockline organizations export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The organization.
    #[arg(value_name = "ORGANIZATION", value_parser = organization)]
    organization: OrganizationId,
}

/// Options of `dockline organizations forget`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whom").required(true))]
pub struct ForgetArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The organization.
    #[arg(value_name = "ORGANIZATION", group = "whom", value_parser = organization)]
    organization: Option<OrganizationId>,
    /// Erase the GitHub user with this id instead: as visitor, as installer, and as the one who suspended an installation.
    #[arg(long, value_name = "ID", group = "whom")]
    github_user: Option<AccountId>,
    #[command(flatten)]
    consent: ConsentArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// If the database cannot be reached or is not migrated, or nothing is stored about the organization.
pub async fn run(command: OrganizationsCommand) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    match command {
        OrganizationsCommand::Export(args) => export(args).await,
        OrganizationsCommand::Forget(args) => forget(args).await,
    }
}

async fn export(args: ExportArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let subjects = args.database.open().await?.subjects();
    let progress = Progress::start(Some(subjects.tables()), false);
    let mut read = 0;
    let exported = subjects
        .export_with(&args.organization, |table| {
            progress.set(read, format!("reading {table}"));
            read += 1;
        })
        .await;
    progress.finish();
    let Some(tables) = exported? else {
        return Err(format!("nothing is stored about {}", args.organization).into());
    };
    let mut object = serde_json::Map::new();
    object.insert("organizationId".to_owned(), json!(args.organization));
    object.extend(tables);
    writeln!(io::stdout().lock(), "{:#}", Value::from(object))?;
    Ok(ExitCode::SUCCESS)
}

async fn forget(args: ForgetArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let subjects = args.database.open().await?.subjects().port();
    let whom = match (&args.organization, args.github_user) {
        (Some(organization), _) => format!("the organization {organization}"),
        (None, Some(user)) => format!("the GitHub user {user}"),
        (None, None) => return Err("name an organization or a GitHub user".into()),
    };
    if !args.consent.ask(&format!("Erase {whom}? This cannot be undone."))? {
        return Err("nothing was changed".into());
    }
    let progress = Progress::start(None, args.json);
    progress.set(0, format!("erasing {whom}"));
    let (pseudonyms, at) = (Pseudonyms::draw(&OsEntropy)?, SystemClock.now());
    let forgotten = match (&args.organization, args.github_user) {
        (Some(organization), _) => subjects.forget_organization(organization, &pseudonyms, at).await?,
        (None, Some(user)) => subjects.forget_github_user(user, &pseudonyms, at).await?,
        (None, None) => Forgotten::default(),
    };
    progress.finish();
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!(forgotten))?;
    } else {
        let Forgotten {
            api_keys,
            states,
            messages,
            bindings,
            installations,
            installers,
            still_bound,
            still_waiting,
        } = forgotten;
        writeln!(
            stdout,
            "erased {whom}: {api_keys} API keys, {states} states, {messages} messages, {bindings} bindings in the history, accounts of \
             {installations} installations, {installers} installers"
        )?;
        if still_bound > 0 {
            writeln!(
                stdout,
                "{still_bound} live bindings are on this user's account; detach them and repeat: dockline bindings list \
                 --account {}",
                args.github_user.map(|user| user.to_string()).unwrap_or_default()
            )?;
        }
        if still_waiting > 0 {
            writeln!(
                stdout,
                "{still_waiting} messages that name this user wait for the product; repeat when they are accepted or when they \
                 are dead"
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
