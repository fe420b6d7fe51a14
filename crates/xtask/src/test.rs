use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

/// Runs `cargo test` over the workspace, repeats what it prints, and sums up its binaries.
pub(crate) fn run(further: &[String]) -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let child = Command::new(cargo)
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .args(further)
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
    println!("\ntotal: {} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.ignored);
    // A run that found no test has shown nothing.
    if passed && sum.failed == 0 && sum.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
