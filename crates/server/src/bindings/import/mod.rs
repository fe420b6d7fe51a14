//! `dockline bindings import`: binds installations to organizations on the operator's responsibility.

mod report;
mod rows;

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use dockline::ports::{Clock, GithubGateway, SystemClock};
use dockline::{Actor, Dockline, ImportMode, ImportRow, PortError, PortErrorKind};
use dockline_github::GithubApp;
use dockline_listener::shutdown_signal;

use self::report::{LineOutcome, Report};
use self::rows::Rows;
use crate::apps;
use crate::config::ConfigErrors;
use crate::database::DatabaseArgs;
use crate::github_app::{self, GithubArgs};
use crate::reconcile::dockline;

/// Rows that fail in a row before the import is given up.
const MOST_FAILURES: u32 = 5;

/// The part of the App's rate limit that an import leaves to other requests: one fifth.
const RESERVE: u64 = 5;

/// Options of `dockline bindings import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    github: GithubArgs,
    /// The file; - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Form of the file. By default, a file that starts with { has JSON lines.
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<Format>,
    /// Make the bindings. Without it, rows are only checked.
    #[arg(long)]
    apply: bool,
    /// Who vouches for the bindings, as recorded with each: 1 to 128 visible characters.
    #[arg(long, value_name = "TEXT", default_value = "operator")]
    actor: Actor,
    /// Print each line as a JSON object.
    #[arg(long)]
    json: bool,
}

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a line of column names.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

pub(super) async fn run(args: ImportArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let ended = shutdown_signal()?;
    let mut errors = ConfigErrors::default();
    let (database, configured) = (args.database.check(&mut errors), args.github.check(&mut errors));
    let (Some(location), Some(configured)) = (database, configured) else { return Err(errors.into()) };
    let (file, length): (Box<dyn Read + Send>, _) = if args.file.as_os_str() == "-" {
        (Box::new(std::io::stdin()), None)
    } else {
        let file = File::open(&args.file).map_err(|error| format!("{}: {error}", args.file.display()))?;
        let length = file.metadata().ok().map(|file| file.len());
        (Box::new(file), length)
    };
    let rows = Rows::open(BufReader::new(file), args.format)?;
    let github = github_app::open(&configured).await?;
    let storage = location.open().await?;
    storage.check_migrated().await?;
    let storage = apps::open(&storage, &github, false).await?;
    let mode = if args.apply { ImportMode::Apply } else { ImportMode::DryRun };
    let import = Import { dockline: dockline(&storage, github.clone())?, github, actor: args.actor, mode };
    let mut report = Report::start(length, args.json, args.apply);
    let outcome = tokio::select! {
        outcome = import.run(rows, &mut report) => outcome,
        () = ended => Ok(End::Interrupted),
    };
    Ok(if report.end(outcome?)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    GivenUp,
    Interrupted,
}

struct Import {
    dockline: Dockline,
    github: GithubApp,
    actor: Actor,
    mode: ImportMode,
}

impl Import {
    async fn run(
        &self,
        mut rows: Rows<impl std::io::BufRead + Send>,
        report: &mut Report,
    ) -> Result<End, Box<dyn Error + Send + Sync>> {
        let mut failures = 0;
        while let Some(read) = rows.next()? {
            let row = match read.row {
                Ok(row) => row,
                Err(problem) => {
                    report.line(read.line, rows.bytes(), None, &LineOutcome::Invalid(problem))?;
                    continue;
                }
            };
            match self.row(&row, report).await? {
                Ok(outcome) => {
                    failures = 0;
                    report.line(read.line, rows.bytes(), Some(&row), &LineOutcome::Done(outcome))?;
                }
                Err(error) => {
                    failures += 1;
                    let is_refused = error.kind() == PortErrorKind::Rejected;
                    let (cause, _) = github_app::cause_and_help(&error);
                    report.line(read.line, rows.bytes(), Some(&row), &LineOutcome::Failed(cause))?;
                    if is_refused || failures >= MOST_FAILURES {
                        return Ok(End::GivenUp);
                    }
                }
            }
        }
        Ok(End::Complete)
    }

    /// Imports a row; waits as long as GitHub limits the App's requests.
    async fn row(
        &self,
        row: &ImportRow,
        report: &Report,
    ) -> Result<Result<dockline::ImportOutcome, PortError>, Box<dyn Error + Send + Sync>> {
        loop {
            if let Some(pause) = self.reserve_pause() {
                report.wait(pause)?;
                tokio::time::sleep(pause).await;
            }
            let outcome = self.dockline.import(row, &self.actor, self.mode).await;
            let pause = match outcome.as_ref().map_err(PortError::kind) {
                Err(PortErrorKind::RateLimited { retry_after }) => retry_after.max(Duration::from_secs(1)),
                _ => return Ok(outcome),
            };
            report.wait(pause)?;
            tokio::time::sleep(pause).await;
        }
    }

    /// Returns the time until the next window if only the reserve is left of the current one.
    fn reserve_pause(&self) -> Option<Duration> {
        let left = self.github.rate_left()?;
        let is_low = left.remaining.saturating_mul(RESERVE) < left.limit;
        let pause = Duration::try_from(left.resets_at - SystemClock.now()).ok()?;
        is_low.then_some(pause).filter(|pause| !pause.is_zero())
    }
}
