//! What can be typed.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::demo::DemoArgs;
use crate::github_sim::SimArgs;
use crate::keys::KeysCommand;
use crate::migrate::MigrateArgs;
use crate::reconcile::ReconcileArgs;
use crate::serve::ServeArgs;
use crate::{demo, github_sim, keys, migrate, reconcile, serve};

/// Binds GitHub App installations to the organizations of a multi-tenant product.
#[derive(Debug, Parser)]
#[command(name = "dockline", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the API, a simulated GitHub and a small product page in one process, to try the whole flow.
    ///
    /// Everything is in memory and gone when the program ends (Ctrl-C). The API keys that it prints are throw-aways.
    Demo(DemoArgs),
    /// Run the simulated GitHub alone, to develop and test against.
    ///
    /// It starts with one App, the user olga, who administers the organization acme-coffee and is signed in wherever a
    /// browser brings no session, and the user mallory, who administers mallory-inc. More is made through the control
    /// API below /_control, such as: curl -d '{"login": "nina"}' -H 'Content-Type: application/json'
    /// http://127.0.0.1:8081/_control/users
    ///
    /// It has no authentication of its own and publishes its private keys: never show it to the internet.
    GithubSim(SimArgs),
    /// Serve the API on PostgreSQL, for the real GitHub.
    ///
    /// Every option can also be given by the environment. Secrets come from files, the database's password by its URL.
    Serve(Box<ServeArgs>),
    /// Bring the database's schema to what this version needs. Safe to run any number of times, and at once.
    Migrate(MigrateArgs),
    /// Ask GitHub about all bindings that were not verified for a while, and take note of what it says.
    ///
    /// For after an outage, or from a timer where `serve` does not sweep. It begins with the longest unverified, so that a
    /// new run goes on where one was cut off. It ends with 0 when it is through, and with 1 where something failed.
    Reconcile(Box<ReconcileArgs>),
    /// Make, rotate, list and revoke API keys.
    #[command(subcommand)]
    Keys(KeysCommand),
}

impl Cli {
    /// Does what was asked for, until it is done or a signal comes.
    ///
    /// # Errors
    /// Cause and mend in one line, for people.
    pub async fn run(self) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        match self.command {
            Command::Demo(args) => demo::run(args).await,
            Command::GithubSim(args) => github_sim::run(args).await,
            Command::Serve(args) => serve::run(*args).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Reconcile(args) => reconcile::run(*args).await,
            Command::Keys(command) => keys::run(command).await,
        }
    }
}
