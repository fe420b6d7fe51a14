//! `dockline completions`: what a shell needs to complete what is typed.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::aot::{Bash, Elvish, Fish, PowerShell, Zsh};

/// Options of `dockline completions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// Whose.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Elvish,
}

/// Prints the script.
pub(crate) fn run(
    args: &CompletionsArgs,
    mut command: Command,
) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let mut script = Vec::new();
    let name = "dockline";
    match args.shell {
        Shell::Bash => clap_complete::generate(Bash, &mut command, name, &mut script),
        Shell::Zsh => clap_complete::generate(Zsh, &mut command, name, &mut script),
        Shell::Fish => clap_complete::generate(Fish, &mut command, name, &mut script),
        Shell::PowerShell => clap_complete::generate(PowerShell, &mut command, name, &mut script),
        Shell::Elvish => clap_complete::generate(Elvish, &mut command, name, &mut script),
    }
    io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
