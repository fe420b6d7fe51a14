//! The project's own commands, on nothing but the standard library.
//!
//! `cargo xtask test [ARGUMENTS]` runs every test of the workspace, or of the packages that the arguments name, doctests
//! included, passes further arguments on to `cargo test`, and closes with one line that sums up all test binaries.
//!
//! `cargo xtask postgres -- COMMAND…` runs a command.
//!
//! Both give what they run a PostgreSQL in `DATABASE_URL`: the one that is there, else a throw-away one.

mod cluster;
mod programs;
mod test;

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
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask test [ARGUMENTS OF CARGO TEST]\n       cargo xtask postgres -- COMMAND…");
    ExitCode::from(2)
}

fn with_database(command: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else { return usage() };
    let cluster = match Cluster::given_or_started() {
        Ok(cluster) => cluster,
        Err(trouble) => {
            eprintln!("{trouble}");
            return ExitCode::FAILURE;
        }
    };
    let status = Command::new(program).args(arguments).env("DATABASE_URL", cluster.url()).status();
    match status {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("{program} could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}
