use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use crate::cluster::Cluster;
use crate::programs;

/// Runs `cargo test` over the workspace, or over the packages that `further` names, repeats what it prints, and sums
/// up its binaries. They find a PostgreSQL in `DATABASE_URL`.
pub(crate) fn run(further: &[String]) -> ExitCode {
    let cluster = match Cluster::given_or_started() {
        Ok(cluster) => cluster,
        Err(trouble) => {
            eprintln!("{trouble}");
            return ExitCode::FAILURE;
        }
    };
    programs::pgbouncer();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let child = Command::new(cargo)
        .arg("test")
        .args(if names_packages(further) { None } else { Some("--workspace") })
        .args(["--all-features", "--no-fail-fast"])
        .args(further)
        .env("DATABASE_URL", cluster.url())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cargo test could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut sum = Sum::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            sum.add(&line);
        }
    }
    let passed = child.wait().is_ok_and(|status| status.success());
    drop(cluster);
    println!("\ntotal: {} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.ignored);
    // A run that found no test has shown nothing.
    if passed && sum.failed == 0 && sum.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether cargo's own arguments, those before `--`, choose packages.
fn names_packages(further: &[String]) -> bool {
    let chooses = |argument: &String| {
        matches!(argument.as_str(), "--package" | "--manifest-path")
            || argument.starts_with("--package=")
            || (argument.starts_with("-p") && !argument.starts_with("--"))
    };
    further.iter().take_while(|argument| *argument != "--").any(chooses)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Sum {
    /// Adds a line such as `test result: ok. 8 passed; 0 failed; 1 ignored; 0 measured; …`; ignores every other.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split(';') {
            let Some((count, what)) = part.trim().split_once(' ') else { continue };
            let Ok(count) = count.parse::<u64>() else { continue };
            match what {
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
    fn arguments_that_choose_packages_are_known() {
        let chosen = |line: &str| names_packages(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in
            ["-p dockline-xtask", "--release -pdockline", "--package=dockline", "--lib --package dockline"]
        {
            assert!(chosen(line), "{line}");
        }
        for line in ["", "--lib", "-- -p", "some::test -- --package x", "--profile release"] {
            assert!(!chosen(line), "{line}");
        }
    }

    #[test]
    fn result_lines_add_up_and_others_do_not_count() {
        let mut sum = Sum::default();
        for line in [
            "running 8 tests",
            "test result: ok. 8 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test some::test ... ok",
        ] {
            sum.add(line);
        }
        assert_eq!(sum, Sum { passed: 10, failed: 3, ignored: 1 });
    }
}
