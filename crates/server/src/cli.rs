//! The command line.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::apps::AppsCommand;
use crate::backup::BackupArgs;
use crate::bindings::BindingsCommand;
use crate::config::{CommandLineError, EffectiveConfig};
use crate::deliveries::DeliveriesCommand;
use crate::generate::{CompletionsArgs, ManArgs};
use crate::init::InitArgs;
use crate::installations::InstallationsCommand;
use crate::keys::KeysCommand;
use crate::migrate::MigrateArgs;
use crate::moving::MoveCommand;
use crate::organizations::OrganizationsCommand;
use crate::reconcile::ReconcileArgs;
use crate::serve::ServeArgs;
use crate::{
    apps, backup, bindings, config, deliveries, doctor, generate, init, installations, keys, migrate, moving,
    organizations, reconcile, serve,
};

/// Connects GitHub App installations to the organizations of a multi-tenant product.
#[derive(Debug, Parser)]
#[command(name = "dockline", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API on PostgreSQL or a SQLite file, for the real GitHub.
    ///
    /// Without --database-url, everything is stored in the file dockline.db in --data-dir, which is created.
    ///
    /// Each option can also be set by an environment variable, or in a TOML file (--config). Set secrets by files or
    /// variables. serve checks the whole configuration before it serves anything; it reports all errors at once and exits
    /// with 2. dockline doctor checks more.
    Serve(Box<ServeArgs>),
    /// Print the effective configuration of serve: each option, its value and where it comes from.
    ///
    /// Takes the options of serve. Makes no network call. Redacts secrets; in URLs, only the password.
    Config(Box<ServeArgs>),
    /// Check the configuration against GitHub and the database, and print what to correct.
    ///
    /// Takes the options of serve. Changes nothing. Prints one line per check: `ok`; `warn`, works but should be changed;
    /// `FAIL`, with the remedy; `????`, GitHub's API does not say, with the place to look. Exits with 0 if no check failed,
    /// otherwise with 1.
    Doctor(Box<ServeArgs>),
    /// Ask for a GitHub App, or create one, and write the configuration.
    ///
    /// Asks for what the App's settings page at GitHub shows, or creates the App with --create-app. Writes dockline.toml, and
    /// files with the secrets beside it that only their owner can read. Then it runs the checks of doctor. Without a
    /// terminal, answers are read from standard input, one per line; options and variables answer questions in advance.
    Init(Box<InitArgs>),
    /// Migrate the database's schema, or the SQLite file, to this version.
    ///
    /// Creates what is missing. Safe to repeat, and to run on several machines at once.
    Migrate(MigrateArgs),
    /// Copy the SQLite file to a new file, also while serve uses it.
    ///
    /// The copy contains every write that was acknowledged before, and is checked. To restore it, see
    /// docs/operating/single-file.md. For PostgreSQL, see docs/operating/backup.md.
    Backup(BackupArgs),
    /// Move everything from the SQLite file to PostgreSQL: seal, copy, verify.
    #[command(subcommand)]
    Move(MoveCommand),
    /// Refresh all stale bindings from GitHub.
    ///
    /// Run it after an outage, or from a timer if serve does not sweep. It starts with the oldest check, so that a new
    /// run continues where an interrupted one stopped. Exits with 0 if it completed and no binding failed or was held,
    /// otherwise with 1.
    Reconcile(Box<ReconcileArgs>),
    /// List, add, retire and rename the GitHub Apps of a schema.
    #[command(subcommand)]
    Apps(AppsCommand),
    /// List, show, detach, export and import bindings, and print their history.
    #[command(subcommand)]
    Bindings(BindingsCommand),
    /// Export the stored data of an organization, and erase organizations and persons.
    #[command(subcommand)]
    Organizations(OrganizationsCommand),
    /// Forget the final end of an installation whose id a restored GitHub Enterprise Server reuses.
    #[command(subcommand)]
    Installations(InstallationsCommand),
    /// Create, rotate, list and revoke API keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// List and show the messages for the product that receives --forward-to, and send them again.
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// Print a completion script for a shell.
    ///
    /// For bash: dockline completions bash > /etc/bash_completion.d/dockline
    Completions(CompletionsArgs),
    /// Print a page of the manual, or write all pages.
    ///
    /// To read a page: dockline man serve | man -l -
    Man(ManArgs),
}

/// Returns clap's description of the command line.
#[must_use]
pub fn command() -> clap::Command {
    let json = |text: &'static str| {
        move |command: clap::Command| command.mut_arg("json", |arg| arg.help(text).long_help(text))
    };
    let command = Cli::command()
        .mut_subcommand("config", json("Print one JSON object"))
        .mut_subcommand("doctor", json("Print one JSON object with all checks"));
    config::with_file_option(command)
}

impl Cli {
    /// Reads the command line, the environment and the configuration file.
    ///
    /// # Errors
    /// If one of them is invalid, and for `--help` and `--version`.
    pub fn read(
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<(Self, EffectiveConfig), CommandLineError> {
        let args: Vec<OsString> = args.into_iter().collect();
        let (matches, effective) = config::read(command(), &args)?;
        Ok((Self::from_arg_matches(&matches)?, effective))
    }

    /// Runs the subcommand until it completes or a signal arrives. `effective` is the configuration to print or check.
    ///
    /// # Errors
    /// The cause and the remedy; [`ConfigErrors`](config::ConfigErrors) if the configuration is invalid.
    pub async fn run(self, effective: EffectiveConfig) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        match self.command {
            Command::Serve(args) => serve::run(*args).await,
            Command::Config(args) => print(&effective, args.json),
            Command::Doctor(args) => doctor::run(&args, &effective).await,
            Command::Init(args) => init::run(*args).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Move(command) => moving::run(command).await,
            Command::Reconcile(args) => reconcile::run(*args).await,
            Command::Apps(command) => apps::run(command).await,
            Command::Bindings(command) => bindings::run(command).await,
            Command::Organizations(command) => organizations::run(command).await,
            Command::Installations(command) => installations::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Deliveries(command) => deliveries::run(command).await,
            Command::Completions(args) => generate::completions(&args, command()),
            Command::Man(args) => generate::man(&args, command()),
        }
    }
}

/// Returns the options of `dockline doctor --config FILE`.
///
/// # Errors
/// If the file or the environment is invalid.
pub(crate) fn doctor_args(
    path: &Path,
) -> Result<(Box<ServeArgs>, EffectiveConfig), Box<dyn Error + Send + Sync>> {
    let args = ["dockline", "doctor", "--config"].map(OsString::from).into_iter().chain([path.into()]);
    let (cli, effective) = Cli::read(args)?;
    let Command::Doctor(args) = cli.command else {
        return Err("doctor was not parsed; report this as a bug".into());
    };
    Ok((args, effective))
}

fn print(effective: &EffectiveConfig, json: bool) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let text = if json { format!("{:#}\n", config::json(effective)) } else { config::human(effective) };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
