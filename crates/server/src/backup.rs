//! `dockline backup`: copies the SQLite file while it is used.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use dockline_listener::shutdown_signal;
use dockline_sqlite::BackupError;
use serde_json::json;

use crate::config::{ConfigError, ConfigErrors};
use crate::database::DatabaseArgs;
use crate::logging;
use crate::serve::checks::chain;
use crate::storage::Storage;
use crate::terminal::Progress;

/// Options of `dockline backup`.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The new file. It must not exist; only its owner can read it.
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Copies the file and checks the copy.
///
/// # Errors
/// If the database is PostgreSQL, the file cannot be opened, or the copy exists or cannot be written.
pub async fn run(args: BackupArgs) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    logging::start();
    let interrupted = shutdown_signal()?;
    let Storage::File(database) = args.database.open().await? else {
        return Err(ConfigErrors::from(ConfigError::new(
            "dockline backup",
            "copies a SQLite file, and a database URL is set",
            "back PostgreSQL up with pg_dump: docs/operating/backup.md. For the file, remove the URL and set --data-dir",
        ))
        .into());
    };
    let shown = args.to.display().to_string();
    let progress = Progress::start(None, args.json);
    progress.set(0, format!("copying {}", database.path().display()));
    let copied = database.backup_until(&args.to, interrupted).await;
    progress.finish();
    copied.map_err(|error| failure(&shown, &error))?;
    let bytes = std::fs::metadata(&args.to)?.len();
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "file": shown, "bytes": bytes }))?;
    } else {
        writeln!(stdout, "wrote {shown}: {bytes} bytes, checked")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn failure(shown: &str, error: &BackupError) -> String {
    match error {
        BackupError::Exists => format!("{shown} exists, or another backup writes it; name another file"),
        BackupError::Full => {
            format!("{shown}: {}; free space there, or name a file on another disk", chain(error))
        }
        BackupError::Io(_) => {
            format!("{shown}: {}; name a file in a folder that this user can write to", chain(error))
        }
        BackupError::Damaged(_) => format!("{shown}: {}; check both disks, and repeat", chain(error)),
        BackupError::Interrupted | BackupError::Failed(_) | _ => format!("{shown}: {}", chain(error)),
    }
}
