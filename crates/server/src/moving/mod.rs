//! `dockline move`: moves everything from the SQLite file to PostgreSQL.

mod copy;
mod output;
mod seal;
mod verify;

use std::error::Error;
use std::process::ExitCode;

use clap::Subcommand;
use dockline_sqlite::{OpenError, SealedFile};

pub use copy::CopyArgs;
pub use seal::{SealArgs, UnsealArgs};
pub use verify::VerifyArgs;

use crate::config::ConfigErrors;
use crate::database::FileArgs;
use crate::logging;
use crate::storage::file_error;

type Failure = Box<dyn Error + Send + Sync>;

/// The subcommands of `dockline move`.
#[derive(Debug, Clone, Subcommand)]
pub enum MoveCommand {
    /// Seal the SQLite file: no serve and no other command opens it any more. Stop serve first.
    ///
    /// Checks the file, and writes its log into it, so that it can be copied to another machine. Sealing it again changes nothing.
    Seal(SealArgs),
    /// Copy all rows of the sealed file to an empty schema of PostgreSQL, which is created and migrated.
    ///
    /// Runs in one transaction: if the copy is interrupted, the schema stays empty. Compares the written rows with the
    /// file before it commits. Afterwards start serve with the database URL.
    Copy(Box<CopyArgs>),
    /// Compare the sealed file with the schema, table by table. Exits with 1 if they differ.
    ///
    /// Run it before serve uses PostgreSQL, which changes rows.
    Verify(Box<VerifyArgs>),
    /// Remove the seal, to use the file again. The file lacks everything that was stored in PostgreSQL since.
    Unseal(UnsealArgs),
}

/// Runs the subcommand.
///
/// # Errors
/// If the file cannot be opened or sealed, PostgreSQL cannot be reached, or the schema is not empty.
pub async fn run(command: MoveCommand) -> Result<ExitCode, Failure> {
    logging::start();
    match command {
        MoveCommand::Seal(args) => seal::seal(&args).await,
        MoveCommand::Copy(args) => copy::run(&args).await,
        MoveCommand::Verify(args) => verify::run(&args).await,
        MoveCommand::Unseal(args) => seal::unseal(&args).await,
    }
}

/// Opens the sealed file.
async fn open(file: &FileArgs) -> Result<SealedFile, ConfigErrors> {
    let path = file.path();
    SealedFile::open(&path).await.map_err(|error| failed(file, &error))
}

fn failed(file: &FileArgs, error: &OpenError) -> ConfigErrors {
    file_error(&file.path(), error).into()
}
