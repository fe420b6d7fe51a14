use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::format_timestamp;
use dockline::ports::{Clock, SystemClock};
use dockline_sqlite::{OpenError, SealedFile};
use serde_json::json;

use super::{Failure, failed};
use crate::config::{ConfigError, ConfigErrors};
use crate::database::FileArgs;
use crate::terminal::ConsentArgs;

/// Options of `dockline move seal`.
#[derive(Debug, Clone, Args)]
pub struct SealArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Options of `dockline move unseal`.
#[derive(Debug, Clone, Args)]
pub struct UnsealArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    consent: ConsentArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn seal(args: &SealArgs) -> Result<ExitCode, Failure> {
    let path = args.file.path();
    let seal = match SealedFile::seal(&path, SystemClock.now()).await {
        Ok(seal) => seal,
        Err(OpenError::InUse { process }) => {
            let process = process.map(|process| format!(", process {process}")).unwrap_or_default();
            let place = format!("the file {}", path.display());
            let error = ConfigError::new(
                place,
                format!("is in use by dockline serve{process}"),
                "stop serve, then seal the file: nothing is written to a sealed file",
            );
            return Err(ConfigErrors::from(error).into());
        }
        Err(error) => return Err(failed(&args.file, &error).into()),
    };
    let (shown, at) = (path.display().to_string(), format_timestamp(seal.sealed_at));
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "file": shown, "sealedAt": at }))?;
    } else {
        writeln!(stdout, "sealed {shown} at {at}")?;
        writeln!(
            stdout,
            "next: dockline move copy with --database-url, or dockline move unseal to use the file again"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn unseal(args: &UnsealArgs) -> Result<ExitCode, Failure> {
    let path = args.file.path();
    let shown = path.display().to_string();
    let question = format!(
        "Use the file {shown} again? It lacks everything that was stored in PostgreSQL since it was sealed."
    );
    if !args.consent.ask(&question)? {
        return Err("nothing was changed".into());
    }
    let seal = SealedFile::unseal(&path).await.map_err(|error| failed(&args.file, &error))?;
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "file": shown, "wasSealed": seal.is_some() }))?;
    } else if seal.is_some() {
        writeln!(stdout, "removed the seal of {shown}; run serve on only one of the two databases")?;
    } else {
        writeln!(stdout, "{shown} is not sealed")?;
    }
    Ok(ExitCode::SUCCESS)
}
