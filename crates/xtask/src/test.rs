use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use crate::cluster::Cluster;
use crate::programs;
use crate::without_package;

/// Runs `cargo test` with `arguments`, for the workspace if they select no package, prints its output, and then the total
/// of all test binaries. `DATABASE_URL` names a PostgreSQL server.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let cluster = match Cluster::external_or_temporary() {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::FAILURE;
        }
    };
    programs::pgbouncer();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let child = without_package(cargo)
        .arg("test")
        .args(if selects_packages(arguments) { None } else { Some("--workspace") })
        .args(["--all-features", "--no-fail-fast"])
        .args(arguments)
        .env("DATABASE_URL", cluster.url())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("xtask: cannot start cargo test: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut total = Total::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            total.add(&line);
        }
    }
    let passed = child.wait().is_ok_and(|status| status.success());
    drop(cluster);
    println!("\ntotal: {} passed, {} failed, {} skipped", total.passed, total.failed, total.ignored);
    // A run without tests proves nothing, so it fails.
    if passed && total.failed == 0 && total.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns whether the arguments before `--` select packages.
fn selects_packages(arguments: &[String]) -> bool {
    let selects = |argument: &String| {
        matches!(argument.as_str(), "--package" | "--manifest-path")
            || argument.starts_with("--package=")
            || (argument.starts_with("-p") && !argument.starts_with("--"))
    };
    arguments.iter().take_while(|argument| *argument != "--").any(selects)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Total {
    /// Adds a line such as `test result: ok. 8 passed; 0 failed; 1 ignored; 0 measured; …`; ignores other lines.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            let Some((count, kind)) = count.trim().split_once(' ') else { continue };
            let Ok(count) = count.parse::<u64>() else { continue };
            match kind {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_select_packages_are_recognized() {
        let selects = |line: &str| selects_packages(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in
            ["-p dockline-xtask", "--release -pdockline", "--package=dockline", "--lib --package dockline"]
        {
            assert!(selects(line), "{line}");
        }
        for line in ["", "--lib", "-- -p", "some::test -- --package x", "--profile release"] {
            assert!(!selects(line), "{line}");
        }
    }

    #[test]
    fn only_result_lines_are_added() {
        let mut total = Total::default();
        for line in [
            "running 8 tests",
            "test result: ok. 8 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test some::test ... ok",
        ] {
            total.add(line);
        }
        assert_eq!(total, Total { passed: 10, failed: 3, ignored: 1 });
    }
}
