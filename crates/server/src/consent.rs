//! The question before a command that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use crate::config::{ConfigError, ConfigErrors};

/// The option that answers the question.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ConsentArgs {
    /// Do not ask for confirmation. Needed if standard input is not a terminal.
    #[arg(long)]
    yes: bool,
}

impl ConsentArgs {
    /// Asks, unless `--yes` is set. Returns whether the command may go on.
    ///
    /// # Errors
    /// If standard input is not a terminal.
    pub(crate) fn ask(self, question: &str) -> Result<bool, ConfigErrors> {
        if self.yes {
            return Ok(true);
        }
        if !io::stdin().is_terminal() {
            let cause = "is not set, and standard input is not a terminal";
            return Err(
                ConfigError::new("--yes", cause, "set it if this cannot be undone and you want it").into()
            );
        }
        let failed = |error: io::Error| {
            ConfigErrors::from(ConfigError::new("standard input", error.to_string(), "set --yes"))
        };
        eprint!("{question} Type yes to go on: ");
        io::stderr().flush().map_err(failed)?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(failed)?;
        Ok(answer.trim() == "yes")
    }
}
