//! What can be typed.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::completions::CompletionsArgs;
use crate::config::{InForce, Refused};
use crate::keys::KeysCommand;
use crate::man::ManArgs;
use crate::migrate::MigrateArgs;
use crate::reconcile::ReconcileArgs;
use crate::serve::ServeArgs;
use crate::{completions, config, doctor, keys, man, migrate, reconcile, serve};

/// Binds GitHub App installations to the organizations of a multi-tenant product.
#[derive(Debug, Parser)]
#[command(name = "dockline", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API on PostgreSQL, for the real GitHub.
    ///
    /// Every option can also be given by the environment, or by a file in TOML (--config). Secrets come from files or the
    /// environment. Everything is checked before anything is served, and all mistakes are told at once; the exit code is 2
    /// then. `dockline doctor` looks deeper.
    Serve(Box<ServeArgs>),
    /// Print the configuration that `serve` would run with: each option, its value, and where that came from.
    ///
    /// Takes the options of `serve`, and asks nobody. Secrets are redacted, of URLs their passwords.
    Config(Box<ServeArgs>),
    /// Check the configuration against the real GitHub and the database, and say what is missing.
    ///
    /// Takes the options of `serve`, and changes nothing. One line for each check: `ok`; `warn`, it works but should not stay
    /// so; `FAIL`, with what to do about it; `????`, what GitHub's API does not tell, with where to look. Ends with 0 where
    /// nothing failed, and with 1 otherwise.
    Doctor(Box<ServeArgs>),
    /// Bring the database's schema to what this version needs.
    ///
    /// Safe to run any number of times, and on several machines at once.
    Migrate(MigrateArgs),
    /// Ask GitHub about all bindings that were not verified for a while, and take note of what it says.
    ///
    /// For after an outage, or from a timer where `serve` does not sweep. It begins with the longest unverified, so that a
    /// new run goes on where one was cut off. It ends with 0 when it is through, and with 1 where something failed.
    Reconcile(Box<ReconcileArgs>),
    /// Make, rotate, list and revoke API keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print a script that has a shell complete what is typed.
    ///
    /// For bash: dockline completions bash > /etc/bash_completion.d/dockline
    Completions(CompletionsArgs),
    /// Print a page of the manual, or write them all.
    ///
    /// To read one at once: dockline man serve | man -l -
    Man(ManArgs),
}

/// The whole command line, with all that is generic about it.
#[must_use]
pub fn command() -> clap::Command {
    let json = |text: &'static str| {
        move |command: clap::Command| command.mut_arg("json", |arg| arg.help(text).long_help(text))
    };
    let command = Cli::command()
        .mut_subcommand("config", json("Print one object of JSON"))
        .mut_subcommand("doctor", json("Print one object of JSON, with all checks"));
    config::with_file_option(command)
}

/// Reads what was typed, the environment, and the file that either names.
///
/// # Errors
/// [`Refused`].
pub fn read(typed: impl IntoIterator<Item = OsString>) -> Result<(Cli, InForce), Refused> {
    let (matches, in_force) = config::matches(&command(), typed.into_iter().collect())?;
    Ok((Cli::from_arg_matches(&matches)?, in_force))
}

impl Cli {
    /// Does what was asked for, until it is done or a signal comes. `in_force` is what the options were read from.
    ///
    /// # Errors
    /// Cause and mend, for people; [`Mistakes`](crate::mistakes::Mistakes) where the configuration is wrong.
    pub async fn run(self, in_force: InForce) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        match self.command {
            Command::Serve(args) => serve::run(*args).await,
            Command::Config(args) => print(&in_force, args.json),
            Command::Doctor(args) => doctor::run(&args, &in_force).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Reconcile(args) => reconcile::run(*args).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Completions(args) => completions::run(&args, command()),
            Command::Man(args) => man::run(&args, command()),
        }
    }
}

fn print(in_force: &InForce, json: bool) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let text = if json { format!("{:#}\n", config::json(in_force)) } else { config::human(in_force) };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
