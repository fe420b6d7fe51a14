//! `dockline reconcile`: refreshes stale bindings from GitHub and prints the progress.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use dockline::Dockline;
use dockline::ports::{BindingCounter, Clock, ReconcileScope, SystemClock};
use dockline_axum::TracingEvents;
use dockline_github::GithubApp;
use dockline_listener::shutdown_signal;
use dockline_worker::{Sweep, SweepOutcome, SweepProgress, SweepTotals};
use serde_json::json;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::apps;
use crate::config::{ConfigErrors, DurationArg};
use crate::database::DatabaseArgs;
use crate::github_app::{self, GithubArgs};
use crate::logging;
use crate::storage::AppStorage;
use crate::terminal::Progress;

/// Options of `dockline reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// Refresh bindings whose last look at GitHub is older than this.
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    unverified_for: DurationArg,
    /// Refresh all bindings.
    #[arg(long, conflicts_with = "unverified_for")]
    all: bool,
    /// Refresh at most this many bindings.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print each line as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs one sweep, until it ends or a signal arrives. Exits with 0 if the sweep ended and every refresh succeeded.
///
/// # Errors
/// If the configuration is invalid, the schema is not up to date, or the bindings cannot be listed.
pub async fn run(args: ReconcileArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    let ended = shutdown_signal()?;
    let mut errors = ConfigErrors::default();
    let (database, configured) = (args.database.check(&mut errors), args.github.check(&mut errors));
    let (Some(location), Some(configured)) = (database, configured) else { return Err(errors.into()) };
    let github = github_app::open(&configured).await?;
    let storage = location.open().await?;
    storage.check_migrated().await?;
    let storage = apps::open(&storage, &github, false).await?;
    let dockline = dockline(&storage, github)?;
    let counter = storage.binding_counter();
    let output =
        Output { json: args.json, progress: Progress::start(length(&args, &*counter).await, args.json) };
    let mut sweep = Sweep::new(Arc::new(SystemClock), scope(&args), args.limit);
    let outcome = tokio::select! {
        outcome = sweep.run(&dockline, |progress| output.progress(&progress)) => Some(outcome?),
        () = ended => None,
    };
    let totals = sweep.totals();
    let ended = output.end(outcome, &totals)?;
    Ok(if ended && totals.failed == 0 && totals.held == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the number of bindings to refresh, if it is known.
async fn length(args: &ReconcileArgs, counter: &dyn BindingCounter) -> Option<u64> {
    let all = match counter.count(SystemClock.now()).await {
        Ok(counts) if args.all => Some(counts.active + counts.suspended + counts.missing + counts.ending),
        Ok(_) | Err(_) => None,
    };
    match (all, args.limit) {
        (Some(all), Some(limit)) => Some(all.min(limit)),
        (all, limit) => all.or(limit),
    }
}

/// Returns the bindings to refresh. `--all` includes those whose last look lies in the future by our clock.
fn scope(args: &ReconcileArgs) -> ReconcileScope {
    let age = time::Duration::try_from(args.unverified_for.0).ok();
    let before = age.and_then(|age| SystemClock.now().checked_sub(age)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    ReconcileScope::ObservedBefore(if args.all { PrimitiveDateTime::MAX.assume_utc() } else { before })
}

/// Builds what commands need that ask GitHub about bindings.
pub(crate) fn dockline(
    storage: &AppStorage,
    github: GithubApp,
) -> Result<Dockline, Box<dyn Error + Send + Sync>> {
    let builder = Dockline::for_jobs(storage.bindings(), Arc::new(github));
    let builder = builder.with_directory(storage.directory());
    Ok(builder.with_events(Arc::new(TracingEvents)).build()?)
}

/// The output on stdout, line by line.
struct Output {
    json: bool,
    progress: Progress,
}

impl Output {
    fn line(&self, json: &serde_json::Value, text: &str) -> io::Result<()> {
        self.progress.suspend(|| {
            let mut stdout = io::stdout().lock();
            if self.json {
                writeln!(stdout, "{json}")?
            } else {
                writeln!(stdout, "{text}")?
            }
            stdout.flush()
        })
    }

    fn progress(&self, progress: &SweepProgress) -> Result<(), Box<dyn Error + Send + Sync>> {
        for (installation, error) in &progress.failed {
            let json = json!({ "failedInstallationId": installation.get(), "error": error });
            self.line(&json, &format!("installation {installation}: {error}"))?;
        }
        let Some(pause) = progress.pause else { return Ok(()) };
        let totals = &progress.totals;
        self.progress.set(totals.asked(), format!("{} bindings", totals.asked()));
        if !self.progress.is_shown() {
            self.line(&counted("in_progress", totals), &format!("{} so far", in_words(totals)))?;
        }
        if !pause.is_zero() {
            let seconds = pause.as_secs() + 1;
            self.line(&json!({ "waitSeconds": seconds }), &format!("waiting for GitHub: {seconds} s"))?;
        }
        Ok(())
    }

    /// Prints the end of a sweep, or of an interrupted one. Returns whether the sweep did all that it was asked to.
    fn end(&self, outcome: Option<SweepOutcome>, totals: &SweepTotals) -> io::Result<bool> {
        self.progress.finish();
        let (status, text) = match outcome {
            Some(SweepOutcome::Complete | SweepOutcome::LimitReached) => ("complete", "complete"),
            Some(SweepOutcome::GivenUp(error)) => {
                if let Some(error) = error {
                    self.line(&json!({ "error": error }), &error)?;
                }
                ("given_up", "given up; run it again to continue")
            }
            None => ("interrupted", "interrupted; run it again to continue"),
        };
        self.line(&counted(status, totals), &format!("{}: {text}", in_words(totals)))?;
        Ok(status == "complete")
    }
}

fn counted(status: &str, totals: &SweepTotals) -> serde_json::Value {
    let SweepTotals { active, suspended, missing, held, uninstalled, account_changed, failed } = totals;
    json!({
        "status": status, "checked": totals.asked(), "active": active, "suspended": suspended,
        "missing": missing, "held": held, "uninstalled": uninstalled, "accountChanged": account_changed, "failed": failed,
    })
}

fn in_words(totals: &SweepTotals) -> String {
    let SweepTotals { active, suspended, missing, held, uninstalled, account_changed, failed } = totals;
    format!(
        "checked {}: {active} active, {suspended} suspended, {missing} missing, {held} held, {uninstalled} uninstalled, {account_changed} on another \
         account, {failed} failed",
        totals.asked()
    )
}
