//! `dockline doctor`: the checks of `serve`, against the real GitHub and database, and what else a green install needs.

mod database;
mod deliveries;
mod finding;
mod github;
mod here;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::config::InForce;
use crate::logging;
use crate::mistakes::Mistakes;
use crate::serve::{ServeArgs, checks};
use finding::{Finding, RateLimitDecision};

/// Checks everything and prints what it found.
///
/// # Errors
/// Where it cannot be printed.
pub(crate) async fn run(
    args: &ServeArgs,
    in_force: &InForce,
) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    let mut mistakes = Mistakes::default();
    let local = checks::local(args, &mut mistakes);
    let mut findings: Vec<Finding> = mistakes.0.into_iter().map(Finding::mistake).collect();
    findings.extend(here::examine(args, in_force, &local).await);
    let (database, github) = tokio::join!(
        async {
            match &local.database {
                Some(database) => database::examine(args, database).await,
                None => Vec::new(),
            }
        },
        async {
            match &local.github {
                Some(configured) => github::examine(args, &local, configured).await,
                None => Vec::new(),
            }
        }
    );
    findings.extend(database);
    findings.extend(github);
    let text = if args.json { in_json(&findings) } else { for_people(&findings) };
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(if count(&findings, RateLimitDecision::Fail) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn count(findings: &[Finding], verdict: RateLimitDecision) -> usize {
    findings.iter().filter(|finding| finding.verdict == verdict).count()
}

fn for_people(findings: &[Finding]) -> String {
    let mut text: String = findings.iter().map(ToString::to_string).collect();
    let [ok, warn, fail, unknown] = RateLimitDecision::ALL.map(|verdict| count(findings, verdict));
    text.push_str(&format!(
        "\n{ok} ok, {warn} to be warned of, {fail} failed, {unknown} not to be checked from here\n"
    ));
    text
}

fn in_json(findings: &[Finding]) -> String {
    let checks: Vec<_> = findings.iter().map(Finding::json).collect();
    let [ok, warn, fail, unknown] = RateLimitDecision::ALL.map(|verdict| count(findings, verdict));
    let counts = json!({ "ok": ok, "warn": warn, "fail": fail, "unknown": unknown });
    format!("{:#}\n", json!({ "checks": checks, "counts": counts }))
}
