//! Values in PostgreSQL's binary format. Times are written and read as the microseconds that they are, since conversions by way
//! of a calendar have other limits.

use std::error::Error;

use bytes::BytesMut;
use dockline::transfer::{Cell, CellKind};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The version of the binary format of `jsonb`.
const JSONB: u8 = 1;

type BoxError = Box<dyn Error + Sync + Send>;

/// A value to write.
#[derive(Debug)]
pub(super) struct Value(pub(super) Cell);

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match &self.0 {
            Cell::Null => Ok(IsNull::Yes),
            Cell::Flag(flag) => flag.to_sql(ty, out),
            Cell::Number(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Cell::Number(number) => number.to_sql(ty, out),
            Cell::Time(time) => {
                let time = time.checked_sub(EPOCH).ok_or("the time is too early")?;
                time.to_sql(&Type::INT8, out)
            }
            Cell::Text(text) => text.to_sql(ty, out),
            Cell::Bytes(bytes) => bytes.to_sql(ty, out),
            Cell::Json(value) => {
                out.extend_from_slice(&[JSONB]);
                out.extend_from_slice(&serde_json::to_vec(value)?);
                Ok(IsNull::No)
            }
            Cell::Texts(texts) => texts.to_sql(ty, out),
        }
    }

    /// The types are those of `columns::types`.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Bytes as they were sent.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(raw))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TIMESTAMPTZ | Type::JSONB)
    }
}

/// A time in microseconds since 1970.
struct Time(i64);

impl<'a> FromSql<'a> for Time {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let bytes: [u8; 8] = Raw::from_sql(ty, raw)?.0.try_into()?;
        Ok(Self(i64::from_be_bytes(bytes).checked_add(EPOCH).ok_or("the time is too late")?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// A JSON value.
struct Json(serde_json::Value);

impl<'a> FromSql<'a> for Json {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let text = Raw::from_sql(ty, raw)?.0.strip_prefix(&[JSONB]).ok_or("another version of jsonb")?;
        Ok(Self(serde_json::from_slice(text)?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

/// A number of either size.
struct Number(i64);

impl<'a> FromSql<'a> for Number {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(if *ty == Type::INT4 { i32::from_sql(ty, raw)?.into() } else { i64::from_sql(ty, raw)? }))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT4 | Type::INT8)
    }
}

/// Reads a column.
pub(super) fn read(row: &Row, at: usize, kind: CellKind) -> Result<Cell, tokio_postgres::Error> {
    fn get<'a, T: FromSql<'a>>(
        row: &'a Row,
        at: usize,
        cell: impl FnOnce(T) -> Cell,
    ) -> Result<Cell, tokio_postgres::Error> {
        Ok(row.try_get::<_, Option<T>>(at)?.map_or(Cell::Null, cell))
    }
    match kind {
        CellKind::Flag => get(row, at, Cell::Flag),
        CellKind::Number => get(row, at, |Number(number)| Cell::Number(number)),
        CellKind::Time => get(row, at, |Time(time)| Cell::Time(time)),
        CellKind::Text => get(row, at, Cell::Text),
        CellKind::Bytes => get(row, at, Cell::Bytes),
        CellKind::Json => get(row, at, |Json(value)| Cell::Json(value)),
        CellKind::Texts => get(row, at, Cell::Texts),
    }
}
