//! `dockline migrate`: migrates the schema to this version.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use crate::database::DatabaseArgs;
use crate::logging;

/// Options of `dockline migrate`.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Change nothing; exit with 1 if a migration is pending.
    #[arg(long)]
    check: bool,
}

/// Applies pending migrations and prints the versions.
///
/// # Errors
/// If the database cannot be reached, the schema is newer than this version, or a migration fails.
pub async fn run(args: MigrateArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    let location = args.database.location()?;
    let name = location.name();
    let name = name.strip_prefix("the ").unwrap_or(&name);
    let mut stdout = io::stdout();
    if args.check {
        location.check_migrated().await?;
        writeln!(stdout, "{name}: nothing to do")?;
        return Ok(ExitCode::SUCCESS);
    }
    let applied = location.migrate().await?;
    if applied.from == applied.to {
        writeln!(stdout, "{name}: nothing to do, it is at version {}", applied.to)?;
    } else {
        writeln!(stdout, "{name}: migrated from version {} to {}", applied.from, applied.to)?;
    }
    Ok(ExitCode::SUCCESS)
}
