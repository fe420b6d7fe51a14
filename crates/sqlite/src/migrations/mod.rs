//! Creates the tables, and changes them in later releases. Migrations are forward only.

use std::time::Duration;

use dockline::SecretDigest;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::database::OpenError;

/// Marks files of this program: `DOCK`.
const APPLICATION_ID: i32 = 0x444f_434b;

/// The version of the first release. No program that knows less reads a file.
const FIRST_RELEASE: u32 = 1;

/// The migrations, the first of which is version 1, each with the least version that a program must know to read and write the
/// file after it. That lets an operator go back to that program, so it is at most the version of the release before.
const MIGRATIONS: [(u32, &str); 1] = [(FIRST_RELEASE, include_str!("0001_first.sql"))];

/// The latest version.
pub(crate) const KNOWN: u32 = MIGRATIONS.len() as u32;

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<T, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Returns the version of the tables, 0 if there are none.
pub(crate) fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    pragma(connection, "user_version")
}

/// Checks that no migration is missing. Changes nothing.
pub(crate) fn check(connection: &Connection, deadline: Duration) -> Result<(), OpenError> {
    let found = version(connection).map_err(|error| OpenError::of(&error, deadline))?;
    if found >= KNOWN {
        verify(connection, found, deadline)
    } else {
        Err(OpenError::Pending { found, known: KNOWN })
    }
}

/// Checks that the file is empty or one of this program's, and not of a later release.
pub(crate) fn check_file(connection: &Connection, deadline: Duration) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(&error, deadline);
    // One version of the file, within a transaction or not: another process may create the tables meanwhile.
    connection.execute_batch("SAVEPOINT file").map_err(failed)?;
    let checked = check_version(connection, deadline);
    connection.execute_batch("RELEASE file").map_err(failed)?;
    checked
}

fn check_version(connection: &Connection, deadline: Duration) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(&error, deadline);
    let application_id: i32 = pragma(connection, "application_id").map_err(failed)?;
    let version: i64 = pragma(connection, "user_version").map_err(failed)?;
    if application_id != APPLICATION_ID {
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, (), |row| row.get(0)).map_err(failed)?;
        if application_id != 0 || version != 0 || tables != 0 {
            return Err(OpenError::Foreign { application_id });
        }
    }
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > KNOWN { check_later(connection, found, deadline) } else { Ok(()) }
}

/// Checks that the migrations that this program does not know allow it.
fn check_later(connection: &Connection, found: u32, deadline: Duration) -> Result<(), OpenError> {
    let later = later(connection).map_err(|error| OpenError::of(&error, deadline))?;
    let allows = !later.is_empty() && later.iter().all(|(oldest_program, _)| *oldest_program <= KNOWN);
    if allows {
        return Ok(());
    }
    let release = later.into_iter().next_back().map(|(_, release)| release);
    Err(OpenError::Newer { found, known: KNOWN, release })
}

/// Returns the oldest program and the release of each migration that this program does not know.
fn later(connection: &Connection) -> Result<Vec<(u32, String)>, rusqlite::Error> {
    let sql = "SELECT oldest_program, applied_by FROM migrations WHERE version > ?1 ORDER BY version";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([KNOWN], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Checks that this program knows every column of the file, as a copy of all rows needs.
pub(crate) fn check_none_is_later(connection: &Connection, deadline: Duration) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(&error, deadline);
    let found = version(connection).map_err(failed)?;
    if found <= KNOWN {
        return Ok(());
    }
    let release = later(connection).map_err(failed)?.into_iter().next_back().map(|(_, release)| release);
    Err(OpenError::Newer { found, known: KNOWN, release })
}

/// Applies the missing migrations in one transaction; a file of a later release has none. Of several processes, one applies
/// them. Writes nothing if none is missing, so that a command need not wait for a server's writes.
pub(crate) fn run(connection: &mut Connection, deadline: Duration) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::of(&error, deadline);
    let applied: u32 = pragma(connection, "user_version").map_err(failed)?;
    if applied >= KNOWN {
        return verify(connection, applied, deadline);
    }
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).map_err(failed)?;
    // Another process may have migrated the file meanwhile.
    check_file(&transaction, deadline)?;
    let applied: u32 = pragma(&transaction, "user_version").map_err(failed)?;
    verify(&transaction, applied, deadline)?;
    for (version, (oldest_program, text)) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > applied) {
        transaction.execute_batch(text).map_err(failed)?;
        let sql =
            "INSERT INTO migrations (version, checksum, oldest_program, applied_by) VALUES (?1, ?2, ?3, ?4)";
        let release = env!("CARGO_PKG_VERSION");
        transaction
            .execute(sql, params![version, checksum(text), oldest_program, release])
            .map_err(failed)?;
    }
    // Another process of a later release may have migrated the file meanwhile.
    transaction.pragma_update(None, "user_version", KNOWN.max(applied)).map_err(failed)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn checksum(text: &str) -> [u8; 32] {
    *SecretDigest::of(text.as_bytes()).as_bytes()
}

/// Compares the texts of the applied migrations with this program's.
fn verify(connection: &Connection, applied: u32, deadline: Duration) -> Result<(), OpenError> {
    for (version, (_, text)) in (1..=applied).zip(MIGRATIONS) {
        let sql = "SELECT checksum FROM migrations WHERE version = ?1";
        let known: Vec<u8> = connection
            .query_row(sql, [version], |row| row.get(0))
            .map_err(|error| OpenError::of(&error, deadline))?;
        if known != checksum(text) {
            return Err(OpenError::Changed { version });
        }
    }
    Ok(())
}
