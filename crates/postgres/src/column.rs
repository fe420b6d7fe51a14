use std::error::Error;

use dockline::{
    Account, AccountId, AccountKind, InstallationId, OrganizationId, Proof, SecretDigest, Status,
};
use time::{OffsetDateTime, UtcOffset};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::failure::Failure;

/// What a column holds does not belong there.
#[derive(Debug, thiserror::Error)]
#[error("not a value of this column")]
pub(crate) struct Misfit;

/// A time as a column keeps it: to the microsecond, in UTC. Cut here, since the protocol's own rounding goes towards
/// the year 2000, not always down.
pub(crate) fn stored(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time).truncate_to_microsecond()
}

pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| Failure::corrupt(column, error))
}

/// Reads a column as `T` and makes `U` of it.
pub(crate) fn parse<'a, T: FromSql<'a>, U, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &'a Row,
    column: &'static str,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<U, Failure> {
    parse(get(row, column)?).map_err(|error| Failure::corrupt(column, error))
}

/// [`parse`] of a column that may be null.
pub(crate) fn parse_some<'a, T: FromSql<'a>, U, E: Into<Box<dyn Error + Send + Sync>>>(
    row: &'a Row,
    column: &'static str,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<Option<U>, Failure> {
    let value: Option<T> = get(row, column)?;
    value.map(parse).transpose().map_err(|error| Failure::corrupt(column, error))
}

pub(crate) fn digest(bytes: &[u8]) -> Result<SecretDigest, std::array::TryFromSliceError> {
    bytes.try_into().map(SecretDigest::from_bytes)
}

pub(crate) fn organization(row: &Row) -> Result<OrganizationId, Failure> {
    parse(row, "organization", |text: &str| OrganizationId::new(text))
}

pub(crate) fn installation(row: &Row, column: &'static str) -> Result<InstallationId, Failure> {
    parse(row, column, |id: i64| InstallationId::try_from(id))
}

pub(crate) fn account_id(row: &Row, column: &'static str) -> Result<AccountId, Failure> {
    parse(row, column, |id: i64| AccountId::try_from(id))
}

pub(crate) fn account(row: &Row) -> Result<Account, Failure> {
    Ok(Account {
        id: account_id(row, "account_id")?,
        login: get(row, "account_login")?,
        kind: parse(row, "account_kind", |text: &str| text.parse::<AccountKind>())?,
    })
}

pub(crate) fn status(row: &Row) -> Result<Status, Failure> {
    one_of(row, "status", [Status::Active, Status::Suspended, Status::Uninstalled], Status::as_str)
}

pub(crate) fn proof(row: &Row, column: &'static str) -> Result<Proof, Failure> {
    let all = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];
    one_of(row, column, all, Proof::as_str)
}

/// The value of `all` that is spelled as the column has it.
pub(crate) fn one_of<T: Copy, const N: usize>(
    row: &Row,
    column: &'static str,
    all: [T; N],
    spell: fn(T) -> &'static str,
) -> Result<T, Failure> {
    parse(row, column, |text: &str| all.into_iter().find(|value| spell(*value) == text).ok_or(Misfit))
}
