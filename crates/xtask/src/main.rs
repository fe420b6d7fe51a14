#![doc = include_str!("../README.md")]

mod bench;
mod cluster;
mod programs;
mod test;

use std::ffi::OsStr;
use std::process::{Command, ExitCode};

use crate::cluster::Cluster;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let mut rest: Vec<_> = arguments.collect();
    match command.as_deref() {
        Some("test") => test::run(&rest),
        Some("postgres") => {
            if rest.first().is_some_and(|argument| argument == "--") {
                rest.remove(0);
            }
            with_database(&rest)
        }
        Some("bench") => bench::run_harness(&rest),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: cargo xtask test [ARGUMENTS OF CARGO TEST]\n       cargo xtask postgres -- COMMAND…\n       cargo xtask bench [--help]"
    );
    ExitCode::from(2)
}

fn with_database(command: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else { return usage() };
    let cluster = match Cluster::external_or_temporary() {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut command = without_package(program);
    command.args(arguments).env("DATABASE_URL", cluster.url());
    run(command)
}

/// Runs a command and returns its exit code.
fn run(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("xtask: cannot start {}: {error}", command.get_program().display());
            ExitCode::FAILURE
        }
    }
}

/// Returns a command without the variables that cargo sets for this package. Build scripts that watch them would run again,
/// and everything that depends on them would be built anew, whenever cargo is called by turns from here and from a shell.
fn without_package(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if of_package {
            command.env_remove(name);
        }
    }
    command
}
