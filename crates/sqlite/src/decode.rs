//! Executes statements, and converts columns to model types and back.

use std::error::Error;
use std::str::FromStr;

pub(crate) use dockline::stored_time;
use dockline::{AccountId, InstallationId, SecretDigest};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};
use time::OffsetDateTime;

use crate::error::SqliteError;

/// Returns the microseconds since 1970, rounded down: the form of all times in the file.
pub(crate) fn column_time(time: OffsetDateTime) -> i64 {
    let microseconds = time.unix_timestamp_nanos().div_euclid(1_000);
    // All times of the library fit.
    i64::try_from(microseconds).unwrap_or(i64::MAX)
}

/// Executes a statement and returns the number of changed rows.
pub(crate) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<usize, SqliteError> {
    Ok(connection.prepare_cached(sql)?.execute(parameters)?)
}

/// Returns the first row of a statement.
pub(crate) fn row<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, SqliteError>,
) -> Result<Option<T>, SqliteError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}

/// Returns all rows of a statement.
pub(crate) fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, SqliteError>,
) -> Result<Vec<T>, SqliteError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// Returns whether a statement returns a row.
pub(crate) fn exists(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<bool, SqliteError> {
    row(connection, sql, parameters, |_| Ok(())).map(|found| found.is_some())
}

/// Returns the number that is the only column of a statement's only row.
pub(crate) fn count(connection: &Connection, sql: &str, parameters: impl Params) -> Result<u64, SqliteError> {
    let number = row(connection, sql, parameters, |row| {
        let number: i64 = row.get(0).map_err(|error| SqliteError::corrupt("count", error))?;
        u64::try_from(number).map_err(|error| SqliteError::corrupt("count", error))
    })?;
    Ok(number.unwrap_or_default())
}

pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: &'static str) -> Result<T, SqliteError> {
    row.get(column).map_err(|error| SqliteError::corrupt(column, error))
}

/// Reads a column as `T` and converts it to `U`.
pub(crate) fn parse<T: FromSql, U, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &Row<'_>,
    column: &'static str,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<U, SqliteError> {
    parse(get(row, column)?).map_err(|error| SqliteError::corrupt(column, error))
}

/// [`parse`] for a nullable column.
pub(crate) fn parse_nullable<T: FromSql, U, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &Row<'_>,
    column: &'static str,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<Option<U>, SqliteError> {
    let value: Option<T> = get(row, column)?;
    value.map(parse).transpose().map_err(|error| SqliteError::corrupt(column, error))
}

/// Reads a text column by `FromStr`.
pub(crate) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<T, SqliteError> {
    parse(row, column, |text: String| text.parse::<T>())
}

/// [`text`] for a nullable column.
pub(crate) fn nullable_text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<T>, SqliteError> {
    parse_nullable(row, column, |text: String| text.parse::<T>())
}

fn from_column(microseconds: i64) -> Result<OffsetDateTime, time::error::ComponentRange> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000)
}

pub(crate) fn time(row: &Row<'_>, column: &'static str) -> Result<OffsetDateTime, SqliteError> {
    parse(row, column, from_column)
}

pub(crate) fn nullable_time(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<OffsetDateTime>, SqliteError> {
    parse_nullable(row, column, from_column)
}

pub(crate) fn number(row: &Row<'_>, column: &'static str) -> Result<u64, SqliteError> {
    parse(row, column, |number: i64| u64::try_from(number))
}

pub(crate) fn small_number(row: &Row<'_>, column: &'static str) -> Result<u32, SqliteError> {
    parse(row, column, |number: i64| u32::try_from(number))
}

/// Returns the number as a column keeps it.
pub(crate) fn column_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn bytes(row: &Row<'_>, column: &'static str) -> Result<[u8; 32], SqliteError> {
    parse(row, column, |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map_err(|_| "not 32 bytes"))
}

pub(crate) fn digest(row: &Row<'_>, column: &'static str) -> Result<SecretDigest, SqliteError> {
    bytes(row, column).map(SecretDigest::from_bytes)
}

pub(crate) fn installation(row: &Row<'_>, column: &'static str) -> Result<InstallationId, SqliteError> {
    parse(row, column, |id: i64| InstallationId::try_from(id))
}

pub(crate) fn account_id(row: &Row<'_>, column: &'static str) -> Result<AccountId, SqliteError> {
    parse(row, column, |id: i64| AccountId::try_from(id))
}

pub(crate) fn nullable_account_id(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<AccountId>, SqliteError> {
    parse_nullable(row, column, |id: i64| AccountId::try_from(id))
}

/// Returns a value as JSON.
pub(crate) fn json(column: &'static str, value: &impl serde::Serialize) -> Result<String, SqliteError> {
    serde_json::to_string(value).map_err(|error| SqliteError::corrupt(column, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::time::macros::datetime;

    #[test]
    fn times_are_rounded_down_to_microseconds_whatever_their_offset() {
        let noon = datetime!(2026-06-01 12:00:00.000_001_999 UTC);
        assert_eq!(column_time(noon), column_time(datetime!(2026-06-01 14:00:00.000_001 +2)));
        let before = datetime!(1969-12-31 23:59:59.999_999_001 UTC);
        assert_eq!(column_time(before), -1);
        assert_eq!(from_column(-1).unwrap(), stored_time(before));
    }
}
