//! Checks of the SQLite file: version, integrity, who may read it, and whether serve uses it.

use std::path::Path;

use dockline_sqlite::{FileFacts, SqliteOptions};

use super::result::CheckResult;
use crate::config::secret::readable_by_others;
use crate::serve::{Migrations, ServeArgs};
use crate::storage::file_error;

/// Returns the results, and whether the tables can be read.
pub(super) async fn check(args: &ServeArgs, path: &Path) -> (Vec<CheckResult>, bool) {
    let shown = path.display();
    let facts = match SqliteOptions::new(path).inspect().await {
        Ok(facts) => facts,
        Err(error) => {
            let error = file_error(path, &error);
            return (
                vec![CheckResult::fail("database", format!("{shown} {}", error.cause), error.help)],
                false,
            );
        }
    };
    let FileFacts { version, known, bytes, free_bytes, server, sqlite, .. } = facts;
    let Some(version) = version else {
        return (vec![missing(args, path)], false);
    };
    let mib = bytes.div_ceil(1 << 20);
    let free = match free_bytes >> 20 {
        0 => String::new(),
        free => format!(" ({free} MiB of it free)"),
    };
    let served = match server.map(|server| server.process) {
        Some(Some(process)) => format!("used by serve, process {process}"),
        Some(None) => "used by serve".to_owned(),
        None => "not used by serve".to_owned(),
    };
    let mut results = vec![CheckResult::ok(
        "database",
        format!("SQLite {sqlite}, {shown}, {mib} MiB{free} without damage, {served}"),
    )];
    if readable_by_others(path) == Some(true) {
        results.push(CheckResult::warn(
            "database file",
            format!("{shown} can be read by every user of this machine"),
            format!("start serve, which corrects it, or run chmod 600 {shown}"),
        ));
    }
    let check = "database schema";
    let is_current = version >= known;
    results.push(match (is_current, args.migrations) {
        (true, _) => CheckResult::ok(check, "up to date"),
        (false, Migrations::Apply) => CheckResult::warn(
            check,
            format!("has version {version}; serve will migrate it to {known}"),
            "start serve, or run dockline migrate now",
        ),
        (false, Migrations::Check) => CheckResult::fail(
            check,
            format!("has version {version}, but version {known} is needed"),
            "run dockline migrate, or start with --migrations apply",
        ),
    });
    (results, is_current)
}

fn missing(args: &ServeArgs, path: &Path) -> CheckResult {
    let shown = path.display();
    match args.migrations {
        Migrations::Apply => {
            CheckResult::ok("database", format!("SQLite, {shown} does not exist yet; serve creates it"))
        }
        Migrations::Check => CheckResult::fail(
            "database",
            format!("{shown} does not exist"),
            "run dockline migrate, or start with --migrations apply",
        ),
    }
}
