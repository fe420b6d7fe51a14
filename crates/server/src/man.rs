//! `dockline man`: the manual's pages.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

/// Options of `dockline man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManArgs {
    /// Which subcommand's page to print, such as: serve, or: keys create; the program's own where none is named.
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write all pages into this folder, as dockline-SUBCOMMAND.1.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints a page, or writes all.
pub(crate) fn run(args: &ManArgs, mut command: Command) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    command = command.disable_help_subcommand(true);
    command.build();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir)?;
        write_all(&command, dir)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut named = &command;
    for name in &args.command {
        named = named.find_subcommand(name).ok_or_else(|| {
            format!("there is no command {name:?} in {}; see dockline --help", named.get_name())
        })?;
    }
    let mut page = Vec::new();
    man(named).render(&mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}

fn write_all(command: &Command, dir: &std::path::Path) -> io::Result<()> {
    let man = man(command);
    let mut page = Vec::new();
    man.render(&mut page)?;
    fs::write(dir.join(man.get_filename()), page)?;
    command.get_subcommands().filter(|inner| !inner.is_hide_set()).try_for_each(|inner| write_all(inner, dir))
}

/// clap's display name is the whole one, `dockline-keys-create`.
fn man(command: &Command) -> Man {
    Man::new(command.clone()).manual("Dockline").source(concat!("dockline ", env!("CARGO_PKG_VERSION")))
}
