#![doc = include_str!("../README.md")]

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
    let cluster = match Cluster::external_or_temporary() {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status = Command::new(program).args(arguments).env("DATABASE_URL", cluster.url()).status();
    match status {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("xtask: cannot start {program}: {error}");
            ExitCode::FAILURE
        }
    }
}
