//! `dockline completions`: what a shell needs to complete what is typed.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

/// Options of `dockline completions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(
    args: &CompletionsArgs,
    mut command: Command,
) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "dockline", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
