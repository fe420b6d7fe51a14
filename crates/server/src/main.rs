//! The program `dockline`.

use std::process::ExitCode;

use clap::Parser;
use dockline_server::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("dockline: {failure}");
            ExitCode::FAILURE
        }
    }
}
