//! The load harness. `cargo xtask bench` runs it.

mod data;
mod database;
mod file;
mod load;
mod measure;
mod options;
mod report;
mod scenarios;
mod servers;

use std::process::ExitCode;

use clap::Parser;
use dockline_bench::Error;

use crate::options::{Command, Options};

type Result<T> = std::result::Result<T, Error>;

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Run(options) => run(&options),
        Command::Github => servers::github::serve(),
        Command::Memory => servers::memory::serve(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dockline-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let results = scenarios::run(options)?;
    let report = report::Report::new(options, &results);
    print!("{}", report.markdown());
    let folder = options.folder();
    report.write(&folder)?;
    eprintln!("written to {}", folder.display());
    Ok(())
}
