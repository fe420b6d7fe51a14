//! Converts columns to model types, and times to the precision of a column.

use std::cell::Cell;
use std::error::Error;
use std::str::FromStr;

// Truncates, since the client library rounds towards the year 2000, so up for earlier times.
pub(crate) use dockline::stored_time as column_time;
use dockline::{Account, AccountId, InstallationId, SecretDigest};
use tokio_postgres::types::FromSql;
use tokio_postgres::{Column, Row};

use crate::error::DatabaseError;

pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, DatabaseError> {
    let value = match position(row.columns(), column) {
        Some(position) => row.try_get(position),
        None => row.try_get(column),
    };
    value.map_err(|error| DatabaseError::corrupt(column, error))
}

thread_local! {
    /// The position behind the column that was read last. Rows are mostly read in the order of their columns, so that the next
    /// one is usually there: a search from the first column costs more than decoding the value.
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

fn position(columns: &[Column], name: &str) -> Option<usize> {
    let (before, from) = columns.split_at_checked(NEXT.get()).unwrap_or((&[], columns));
    let is_named = |column: &Column| column.name() == name;
    let found = from.iter().position(is_named).map(|found| before.len() + found);
    let found = found.or_else(|| before.iter().position(is_named))?;
    debug_assert_eq!(columns.iter().filter(|column| is_named(column)).count(), 1, "two columns {name}");
    NEXT.set(found + 1);
    Some(found)
}

/// Reads a column as `T` and converts it to `U`.
pub(crate) fn parse<'a, T: FromSql<'a>, U, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &'a Row,
    column: &'static str,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<U, DatabaseError> {
    parse(get(row, column)?).map_err(|error| DatabaseError::corrupt(column, error))
}

/// [`parse`] for a nullable column.
pub(crate) fn parse_nullable<'a, T: FromSql<'a>, U, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &'a Row,
    column: &'static str,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<Option<U>, DatabaseError> {
    let value: Option<T> = get(row, column)?;
    value.map(parse).transpose().map_err(|error| DatabaseError::corrupt(column, error))
}

/// [`parse`] for a text column, by `FromStr`.
pub(crate) fn parse_text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row,
    column: &'static str,
) -> Result<T, DatabaseError> {
    parse(row, column, str::parse)
}

pub(crate) fn digest(bytes: &[u8]) -> Result<SecretDigest, std::array::TryFromSliceError> {
    bytes.try_into().map(SecretDigest::from_bytes)
}

pub(crate) fn installation(row: &Row, column: &'static str) -> Result<InstallationId, DatabaseError> {
    parse(row, column, |id: i64| InstallationId::try_from(id))
}

pub(crate) fn account_id(row: &Row, column: &'static str) -> Result<AccountId, DatabaseError> {
    parse(row, column, |id: i64| AccountId::try_from(id))
}

pub(crate) fn account(row: &Row) -> Result<Account, DatabaseError> {
    Ok(Account {
        id: account_id(row, "account_id")?,
        login: get(row, "account_login")?,
        kind: parse_text(row, "account_kind")?,
    })
}
