use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use dockline::PortError;
use dockline::transfer::{RowDigester, TABLES, TableDigest, TransferTable};
use dockline_postgres::{MigrationError, Migrator, PgImport};
use dockline_sqlite::SealedFile;
use serde_json::json;

use super::output::{Compared, as_json, human};
use super::{Failure, open};
use crate::config::{ConfigError, ConfigErrors};
use crate::database::DatabaseArgs;
use crate::storage::schema_error;
use crate::terminal::Progress;

/// Options of `dockline move verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let database = args.database.postgres()?;
    let file = open(&args.database.file).await?;
    let checked = Migrator::new(database.pool().clone(), database.schema().clone()).check().await;
    checked.map_err(|error| {
        ConfigErrors::from(if matches!(error, MigrationError::Pending { .. }) {
            ConfigError::new(
                format!("the schema {}", database.schema()),
                "is not migrated, so nothing was copied to it by this program",
                "run dockline move copy, which migrates it",
            )
        } else {
            schema_error(&database, &error)
        })
    })?;
    let progress = Progress::start(Some(TABLES.len() as u64), args.json);
    let mut tables = Vec::new();
    for (table, done) in TABLES.iter().zip(0..) {
        progress.set(done, format!("comparing {}", table.name));
        let postgres = PgImport::digest(&database, table, |_| {}).await?;
        tables.push(Compared { table, file: digest(&file, table).await?, postgres });
    }
    progress.finish();
    let different = tables.iter().filter(|table| !table.is_same()).count();
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", json!({ "same": different == 0, "tables": as_json(&tables) }))?;
    } else {
        write!(stdout, "{}", human(&tables))?;
        match different {
            0 => writeln!(stdout, "file and schema have the same rows")?,
            1 => writeln!(stdout, "1 table differs")?,
            more => writeln!(stdout, "{more} tables differ")?,
        }
    }
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn digest(file: &SealedFile, table: &'static TransferTable) -> Result<TableDigest, PortError> {
    use dockline::transfer::TableRows as _;
    let mut rows = file.rows(table)?;
    let mut digester = RowDigester::new(table);
    while let Some(row) = rows.next().await? {
        digester.add(&row);
    }
    Ok(digester.finish())
}
