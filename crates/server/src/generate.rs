//! `dockline completions` and `dockline man`, generated from clap's description of the command line.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

/// Options of `dockline completions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Options of `dockline man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManArgs {
    /// Subcommand whose page to print, such as: serve, or: keys create. Default: the program's own page.
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write all pages into this folder, as dockline-SUBCOMMAND.1.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the script.
pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: Command,
) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "dockline", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a page, or writes all of them.
pub(crate) fn man(args: &ManArgs, command: Command) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir)?;
        write_pages(&command, dir)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut named = &command;
    for name in &args.command {
        named = named.find_subcommand(name).ok_or_else(|| {
            format!("there is no command {name:?} in {}; see dockline --help", named.get_name())
        })?;
    }
    let mut text = Vec::new();
    page(named).render(&mut text)?;
    io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn write_pages(command: &Command, dir: &Path) -> io::Result<()> {
    let page = page(command);
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(dir.join(page.get_filename()), text)?;
    command.get_subcommands().filter(|it| !it.is_hide_set()).try_for_each(|inner| write_pages(inner, dir))
}

/// Returns the page of a command, named by clap's display name, such as `dockline-keys-create`.
fn page(command: &Command) -> Man {
    Man::new(command.clone()).manual("Dockline").source(concat!("dockline ", env!("CARGO_PKG_VERSION")))
}
