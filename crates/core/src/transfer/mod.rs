//! The common form of all rows of a storage, for moving them from one adapter to another and comparing both sides.
//!
//! Adapters have tables of their own; a source returns the rows in this form, and a target stores them. Both sides have the
//! same digests if they have the same rows.

mod digest;
mod tables;

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use crate::PortError;

pub use digest::{RowDigester, TableDigest};
pub use tables::{TABLES, TransferTable};

/// A row: one value per column of its [`TransferTable`].
pub type TransferRow = Vec<Cell>;

/// A value of a row.
#[derive(Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// A truth value.
    Flag(bool),
    /// An integer.
    Number(i64),
    /// A time in microseconds since 1970, UTC.
    Time(i64),
    /// A text.
    Text(String),
    /// Bytes: a digest or a body.
    Bytes(Vec<u8>),
    /// A JSON value, whose members have no order.
    Json(Value),
    /// A list of texts.
    Texts(Vec<String>),
}

/// The kind of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// [`Cell::Flag`]
    Flag,
    /// [`Cell::Number`]
    Number,
    /// [`Cell::Time`]
    Time,
    /// [`Cell::Text`]
    Text,
    /// [`Cell::Bytes`]
    Bytes,
    /// [`Cell::Json`]
    Json,
    /// [`Cell::Texts`]
    Texts,
}

impl fmt::Debug for Cell {
    /// Shows the kind only: rows contain digests of secrets, and bodies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Flag(_) => "Flag",
            Self::Number(_) => "Number",
            Self::Time(_) => "Time",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Json(_) => "Json",
            Self::Texts(_) => "Texts",
        })
    }
}

/// The rows of a table, one after the other, in the order of the table's key.
#[async_trait]
pub trait TableRows: Send {
    /// Returns the next row; `None` after the last one.
    ///
    /// # Errors
    /// The source failed, or a column has an invalid value.
    async fn next(&mut self) -> Result<Option<TransferRow>, PortError>;
}
