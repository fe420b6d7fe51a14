//! The program `dockline`.

use std::process::ExitCode;

use clap::Parser;
use dockline_server::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(failure) => {
            // What lies behind it names the mend more often than not.
            let mut told = format!("dockline: {failure}");
            let mut cause = failure.source();
            while let Some(deeper) = cause {
                told.push_str(&format!(": {deeper}"));
                cause = deeper.source();
            }
            eprintln!("{told}");
            ExitCode::FAILURE
        }
    }
}
