//! The program `dockline`.

use std::process::ExitCode;

use dockline_server::cli::{self, Cli};
use dockline_server::config::Refused;
use dockline_server::mistakes::Mistakes;

#[tokio::main]
async fn main() -> ExitCode {
    let (cli, in_force) = match cli::read(std::env::args_os()) {
        Ok(read) => read,
        Err(Refused::Typed(error)) => error.exit(),
        Err(Refused::File(mistakes)) => return mistaken(&mistakes),
    };
    match Cli::run(cli, in_force).await {
        Ok(code) => code,
        Err(failure) => match failure.downcast_ref::<Mistakes>() {
            Some(mistakes) => mistaken(mistakes),
            None => {
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
        },
    }
}

fn mistaken(mistakes: &Mistakes) -> ExitCode {
    eprintln!("dockline: {mistakes}");
    ExitCode::from(Mistakes::EXIT_CODE)
}
