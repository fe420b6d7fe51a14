//! The program `dockline`.

use std::process::ExitCode;

use dockline_server::cli::Cli;
use dockline_server::config::{CommandLineError, ConfigErrors};

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, effective) = match Cli::read(std::env::args_os()) {
        Ok(read) => read,
        Err(CommandLineError::Usage(error)) => error.exit(),
        Err(CommandLineError::File(errors)) => return invalid(&errors),
    };
    match cli.run(effective).await {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<ConfigErrors>() {
            Some(errors) => invalid(errors),
            None => {
                // The remedy is often in a source.
                let mut text = format!("dockline: {error}");
                let mut source = error.source();
                while let Some(error) = source {
                    text.push_str(&format!(": {error}"));
                    source = error.source();
                }
                eprintln!("{text}");
                ExitCode::FAILURE
            }
        },
    }
}

fn invalid(errors: &ConfigErrors) -> ExitCode {
    eprintln!("dockline: {errors}");
    ExitCode::from(ConfigErrors::EXIT_CODE)
}
