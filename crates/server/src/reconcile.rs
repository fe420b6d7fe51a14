//! `dockline reconcile`: asks GitHub about what was not verified for a while, and tells how it goes.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use dockline::{ClaimPolicy, Dockline, InstallationId, Ports};
use dockline_axum::TracingEvents;
use dockline_listener::shutdown_signal;
use dockline_postgres::{PgBindingRepo, PgKeyStore, PgStateStore};
use serde_json::json;
use tokio::time::sleep;

use crate::database::{DatabaseArgs, migrator};
use crate::github_app::{self, GithubArgs};
use crate::logging;
use crate::mistakes::Mistakes;
use crate::period::Period;
use crate::sweep::{Sweeping, Tally, Then};

/// Options of `dockline reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// Ask about bindings of which GitHub's last answer is older than this.
    #[arg(long, value_name = "PERIOD", default_value = "1h")]
    unverified_for: Period,
    /// Ask about all bindings, whenever they were verified.
    #[arg(long, conflicts_with = "unverified_for")]
    all: bool,
    /// Ask about so many bindings at the most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print each line as an object of JSON.
    #[arg(long)]
    json: bool,
}

/// Sweeps until it is through, was told to end, or cannot go on.
///
/// # Errors
/// Where it cannot start, or the bindings cannot be listed.
pub async fn run(args: ReconcileArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start(logging::Verbosity::Running);
    let ended = shutdown_signal()?;
    let mut mistakes = Mistakes::default();
    let (database, configured) = (args.database.check(&mut mistakes), args.github.check(&mut mistakes));
    let (Some(database), Some(configured)) = (database, configured) else { return Err(mistakes.into()) };
    let github = github_app::open(&configured).await?;
    migrator(&database).check().await?;
    let dockline = Dockline::builder(Ports {
        keys: Arc::new(PgKeyStore::new(&database)),
        states: Arc::new(PgStateStore::new(&database)),
        bindings: Arc::new(PgBindingRepo::new(&database)),
        github: Arc::new(github),
    })
    // Nobody claims anything here; so the OAuth client need not be given.
    .with_policy(ClaimPolicy::State)
    .with_events(Arc::new(TracingEvents))
    .build()?;
    let unverified_for = if args.all { Duration::ZERO } else { args.unverified_for.0 };
    let mut report = Report { json: args.json };
    let mut sweeping = Sweeping::begin(unverified_for, args.limit);
    let outcome = tokio::select! {
        outcome = sweep(&dockline, &mut sweeping, &mut report) => outcome?,
        () = ended => Outcome::Interrupted,
    };
    report.end(outcome, &sweeping.tally)?;
    let through = outcome == Outcome::Through && sweeping.tally.failed == 0;
    Ok(if through { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Through,
    GivenUp,
    Interrupted,
}

async fn sweep(
    dockline: &Dockline,
    sweeping: &mut Sweeping,
    report: &mut Report,
) -> Result<Outcome, Box<dyn Error + Send + Sync>> {
    loop {
        let stretch = sweeping.stretch(dockline).await?;
        report.failed(&stretch.failed)?;
        match stretch.then {
            Then::Go => report.progress(&sweeping.tally)?,
            Then::Wait(wait) => {
                report.progress(&sweeping.tally)?;
                report.waits(wait)?;
                sleep(wait).await;
            }
            Then::Through | Then::Enough => return Ok(Outcome::Through),
            Then::GiveUp(error) => {
                if let Some(error) = error {
                    report.cause(&error)?;
                }
                return Ok(Outcome::GivenUp);
            }
        }
    }
}

/// What is told on stdout, line by line.
struct Report {
    json: bool,
}

impl Report {
    fn line(&self, json: &serde_json::Value, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if self.json {
            writeln!(stdout, "{json}")?
        } else {
            writeln!(stdout, "{text}")?
        }
        stdout.flush()
    }

    fn failed(&self, failed: &[(InstallationId, String)]) -> io::Result<()> {
        for (installation, error) in failed {
            let json = json!({ "failedInstallationId": installation.get(), "error": error });
            self.line(&json, &format!("installation {installation}: {error}"))?;
        }
        Ok(())
    }

    fn cause(&self, error: &str) -> io::Result<()> {
        self.line(&json!({ "error": error }), error)
    }

    fn progress(&self, tally: &Tally) -> io::Result<()> {
        self.line(&counted("going_on", tally), &format!("{} so far", in_words(tally)))
    }

    fn waits(&self, wait: Duration) -> io::Result<()> {
        let seconds = wait.as_secs() + 1;
        self.line(&json!({ "waitSeconds": seconds }), &format!("waiting for GitHub: {seconds} s"))
    }

    fn end(&self, outcome: Outcome, tally: &Tally) -> io::Result<()> {
        let (status, text) = match outcome {
            Outcome::Through => ("through", "through"),
            Outcome::GivenUp => ("given_up", "given up; run it again to go on"),
            Outcome::Interrupted => ("interrupted", "interrupted; run it again to go on"),
        };
        self.line(&counted(status, tally), &format!("{}: {text}", in_words(tally)))
    }
}

fn counted(status: &str, tally: &Tally) -> serde_json::Value {
    let Tally { active, suspended, uninstalled, account_changed, failed } = tally;
    json!({
        "status": status, "asked": tally.asked(), "active": active, "suspended": suspended,
        "uninstalled": uninstalled, "accountChanged": account_changed, "failed": failed,
    })
}

fn in_words(tally: &Tally) -> String {
    let Tally { active, suspended, uninstalled, account_changed, failed } = tally;
    format!(
        "asked about {}: {active} active, {suspended} suspended, {uninstalled} uninstalled, {account_changed} on another \
         account, {failed} failed",
        tally.asked()
    )
}
