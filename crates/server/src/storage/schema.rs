//! Checks of the schema or file before it is opened, and errors that say what to do.

use std::path::Path;
use std::time::Duration;

use dockline::format_timestamp;
use dockline_postgres::{Database, MigrationError};
use dockline_sqlite::{FileFacts, OpenError, Seal, SqliteOptions};

use super::location::migrator;
use crate::config::ConfigError;
use crate::serve::Migrations;
use crate::serve::checks::chain;

/// Time for the first response of the database.
const DEADLINE: Duration = Duration::from_secs(10);

/// Checks that the database can be reached, and that its schema is up to date or will be migrated.
pub(super) async fn check_schema(database: &Database, migrations: Migrations) -> Result<(), ConfigError> {
    match migrator(database).with_deadline(DEADLINE).check().await {
        Ok(()) => Ok(()),
        Err(MigrationError::Pending { .. }) if migrations == Migrations::Apply => Ok(()),
        Err(error) => Err(schema_error(database, &error)),
    }
}

pub(crate) fn schema_error(database: &Database, error: &MigrationError) -> ConfigError {
    let schema = format!("the schema {}", database.schema());
    match error {
        MigrationError::Newer { .. } => ConfigError::new(
            schema,
            error.to_string(),
            "run the newer program; schemas cannot be migrated back",
        ),
        MigrationError::Changed { .. } => ConfigError::new(
            schema,
            error.to_string(),
            "restore the migration, or the database from a backup",
        ),
        MigrationError::Pending { found, known } => ConfigError::new(
            schema,
            format!("has version {found}, but version {known} is needed"),
            "run dockline migrate, or start with --migrations apply",
        ),
        MigrationError::Encoding { found } => ConfigError::new(
            "the database",
            format!("has the encoding {found}, and names need UTF8"),
            "create a database with ENCODING 'UTF8' TEMPLATE template0",
        ),
        MigrationError::Deadline(after) => ConfigError::new(
            "the database",
            format!("did not respond within {after:?}"),
            "check --database-url, the network and firewalls, and that the database runs",
        ),
        failed @ (MigrationError::Failed(_) | _) => ConfigError::new(
            "the database",
            chain(failed),
            "check --database-url, that the database runs, and that it accepts this user",
        ),
    }
}

/// Checks that a server can use the file, or that its start will create or migrate it.
pub(super) async fn check_file(path: &Path, migrations: Migrations) -> Result<FileFacts, ConfigError> {
    // The start checks all of it.
    let facts = SqliteOptions::new(path).without_check().inspect().await;
    let facts = facts.map_err(|error| file_error(path, &error))?;
    let known = facts.known;
    match (facts.version, migrations) {
        (Some(found), Migrations::Check) if found < known => {
            Err(file_error(path, &OpenError::Pending { found, known }))
        }
        (None, Migrations::Check) => Err(ConfigError::new(
            format!("the file {}", path.display()),
            "does not exist",
            "run dockline migrate, or start with --migrations apply",
        )),
        (Some(_) | None, _) => Ok(facts),
    }
}

/// Describes why the file cannot be used.
pub(crate) fn file_error(path: &Path, error: &OpenError) -> ConfigError {
    let new = |cause: String, help: &str| {
        // The place is the file.
        let cause = cause.strip_prefix("the file ").unwrap_or(&cause);
        ConfigError::new(format!("the file {}", path.display()), cause, help)
    };
    match error {
        OpenError::Missing => new(
            "does not exist".to_owned(),
            "start dockline serve, which creates it. If it is elsewhere, set --data-dir; if the bindings are in PostgreSQL, set \
             --database-url",
        ),
        OpenError::Io(_) | OpenError::Denied(_) => new(
            chain(error),
            "run this as the user that owns the file. The folder must exist, and this user must be able to write to it: set \
             --data-dir",
        ),
        OpenError::NotAFile => new(
            "is a folder, a pipe or a device".to_owned(),
            "set --data-dir to another folder, or move it away, so that serve creates the file",
        ),
        OpenError::Dangling => new(
            "is a symbolic link to a file that does not exist".to_owned(),
            "correct the link, or remove it, so that serve creates the file",
        ),
        OpenError::Linked => {
            new(error.to_string(), "remove the other name; to copy the file, use dockline backup")
        }
        OpenError::OnlyLog => new(
            "is missing or empty, but its log, dockline.db-wal, is there".to_owned(),
            "put the file that belongs to the log back. To start with a backup or without data, move the log away",
        ),
        OpenError::ForeignLog => new(
            "is a backup, but the log beside it, dockline.db-wal, belongs to the file that was there before"
                .to_owned(),
            "move dockline.db-wal and dockline.db-shm away",
        ),
        OpenError::Full => new(error.to_string(), "free space on it"),
        OpenError::NotSqlite | OpenError::Foreign { .. } => {
            new(error.to_string(), "set --data-dir to another folder, or move that file away")
        }
        OpenError::Newer { .. } => {
            new(error.to_string(), "run the newer program; files cannot be migrated back")
        }
        OpenError::Pending { found, known } => new(
            format!("has version {found}, but version {known} is needed"),
            "run dockline migrate, or start serve with --migrations apply",
        ),
        OpenError::Changed { .. } => new(error.to_string(), "restore a backup, or run that build"),
        OpenError::Damaged(damage) => new(
            format!("is damaged: {damage}"),
            "check the disk, and restore a backup: docs/operating/single-file.md",
        ),
        OpenError::InUse { process } => new(
            match process {
                Some(process) => format!("is in use by another dockline serve, process {process}"),
                None => "is in use by another dockline serve".to_owned(),
            },
            "stop that one first, or set --data-dir to another folder. A file has one serve; several nodes need PostgreSQL. Other \
             commands can use it at the same time",
        ),
        OpenError::Busy(after) => new(
            format!("was locked by another process for {} s", after.as_secs()),
            "repeat the command when other commands on this file have ended",
        ),
        OpenError::Remote | OpenError::NoLog(_) => new(
            error.to_string(),
            "set --data-dir to a folder on a local disk, or use PostgreSQL by --database-url",
        ),
        OpenError::Sealed(seal) => sealed(&new, seal),
        OpenError::NotSealed => new(error.to_string(), "stop serve, and run dockline move seal"),
        OpenError::Failed(_) | _ => new(chain(error), "check the disk and the rights of this user"),
    }
}

fn sealed(new: &impl Fn(String, &str) -> ConfigError, seal: &Seal) -> ConfigError {
    let at = format_timestamp(seal.sealed_at);
    match &seal.copied {
        Some((to, copied_at)) => new(
            format!(
                "is sealed since {at}: its rows were moved to PostgreSQL, {to}, at {}",
                format_timestamp(*copied_at)
            ),
            "set --database-url to that database. To use the file again, run dockline move unseal; it lacks everything that was \
             stored in PostgreSQL since",
        ),
        None => new(
            format!("is sealed since {at}, to be moved to PostgreSQL"),
            "continue with dockline move copy. To use the file again, run dockline move unseal",
        ),
    }
}
