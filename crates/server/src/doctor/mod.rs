//! `dockline doctor`: the checks of `serve`, and further ones, against GitHub and the database.

mod database;
mod deliveries;
mod file;
mod forward;
mod github;
mod local;
mod result;
mod storage;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json as object;

use crate::config::{ConfigErrors, EffectiveConfig};
use crate::logging;
use crate::serve::{ServeArgs, checks};
use result::{CheckResult, Verdict};

/// Runs all checks and prints their results.
///
/// # Errors
/// If stdout is closed.
pub(crate) async fn run(
    args: &ServeArgs,
    effective: &EffectiveConfig,
) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    let mut errors = ConfigErrors::default();
    let local = checks::local(args, &mut errors);
    let mut results: Vec<CheckResult> = errors.0.into_iter().map(CheckResult::from).collect();
    results.extend(local::check(args, effective, &local).await);
    let (storage, github, forward) = tokio::join!(
        async {
            match &local.storage {
                Some(location) => storage::check(args, local.github.as_ref(), location).await,
                None => Vec::new(),
            }
        },
        async {
            match &local.github {
                Some(configured) => github::check(args, &local, configured).await,
                None => Vec::new(),
            }
        },
        forward::check(args, &local)
    );
    results.extend(storage);
    results.extend(github);
    results.extend(forward);
    let text = if args.json { json(&results) } else { human(&results) };
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(if count(&results, Verdict::Fail) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn count(results: &[CheckResult], verdict: Verdict) -> usize {
    results.iter().filter(|result| result.verdict == verdict).count()
}

fn human(results: &[CheckResult]) -> String {
    let mut text: String = results.iter().map(ToString::to_string).collect();
    let [ok, warn, fail, unknown] = Verdict::ALL.map(|verdict| count(results, verdict));
    text.push_str(&format!("\n{ok} ok, {warn} warnings, {fail} failed, {unknown} unknown\n"));
    text
}

fn json(results: &[CheckResult]) -> String {
    let checks: Vec<_> = results.iter().map(CheckResult::json).collect();
    let [ok, warn, fail, unknown] = Verdict::ALL.map(|verdict| count(results, verdict));
    let counts = object!({ "ok": ok, "warn": warn, "fail": fail, "unknown": unknown });
    format!("{:#}\n", object!({ "checks": checks, "counts": counts }))
}
