use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::ports::{Clock, SystemClock};
use dockline::transfer::TABLES;
use dockline_postgres::{ImportError, Migrator, PgImport};
use serde_json::json;

use super::output::{Compared, as_json, human};
use super::{Failure, open};
use crate::config::{ConfigError, ConfigErrors};
use crate::database::DatabaseArgs;
use crate::storage::schema_error;
use crate::terminal::Progress;

/// Rows between two updates of the progress bar.
const STEP: u64 = 100;

/// Options of `dockline move copy`.
#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &CopyArgs) -> Result<ExitCode, Failure> {
    let database = args.database.postgres()?;
    let file = open(&args.database.file).await?;
    let migrated = Migrator::new(database.pool().clone(), database.schema().clone()).run().await;
    migrated.map_err(|error| ConfigErrors::from(schema_error(&database, &error)))?;
    let mut total = 0;
    for table in &TABLES {
        total += file.count(table).await?;
    }
    let schema = database.schema().to_string();
    let failed = |error: ImportError| import_error(&schema, error);
    let import = PgImport::begin(&database).await.map_err(failed)?;
    let progress = Progress::start(Some(total), args.json);
    let (mut before, mut copied) = (0, Vec::new());
    for table in &TABLES {
        let mut rows = file.rows(table)?;
        let show = |rows: u64| {
            if rows.is_multiple_of(STEP) {
                progress.set(before + rows, format!("copying {}", table.name));
            }
        };
        let digest = import.copy(table, &mut rows, show).await.map_err(failed)?;
        before += digest.rows;
        progress.set(before, format!("copied {}", table.name));
        copied.push(Compared { table, file: digest, postgres: digest });
    }
    import.commit().await?;
    progress.finish();
    let target = args.database.target();
    // The rows are stored, even if the note fails.
    if let Err(error) = file.record_copy(&target, SystemClock.now()).await {
        tracing::warn!(cause = error.causes(), "the file does not say where its rows were copied to");
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "rows": total, "to": target, "tables": as_json(&copied) }))?;
    } else {
        write!(stdout, "{}", human(&copied))?;
        writeln!(stdout, "copied {total} rows to {target}. Start serve with this database URL")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn import_error(schema: &str, error: ImportError) -> Failure {
    match error {
        ImportError::NotEmpty(_) => ConfigErrors::from(ConfigError::new(
            format!("the schema {schema}"),
            error.to_string(),
            "name an empty one with --database-schema, or a new one. If the rows are those of this file, compare them with \
             dockline move verify",
        ))
        .into(),
        other @ (ImportError::Differs(_) | ImportError::Port(_) | _) => other.into(),
    }
}
