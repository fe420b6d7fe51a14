use std::error::Error;
use std::time::Duration;

use dockline::{PortError, PortErrorKind, PortName};
use rusqlite::ErrorCode;

/// Why a call failed. Contains no value of a parameter or a row.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqliteError {
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    #[error("too many calls wait for the file")]
    Overloaded,
    #[error("the file is closed")]
    Closed,
    #[error("a call panicked, and was undone")]
    Panicked,
    #[error("{}", describe(.0))]
    Sqlite(rusqlite::Error),
    #[error("column {column} contains an invalid value")]
    Corrupt {
        column: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl SqliteError {
    pub(crate) fn corrupt(column: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt { column, source: source.into() }
    }

    /// Returns whether the statement was interrupted at its deadline.
    pub(crate) fn is_interruption(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
    }

    pub(crate) fn kind(&self) -> PortErrorKind {
        match self {
            Self::Deadline(_) | Self::Overloaded | Self::Closed => PortErrorKind::Unavailable,
            Self::Sqlite(error) => error.sqlite_error_code().map_or(PortErrorKind::Unexpected, kind),
            Self::Panicked => PortErrorKind::Unexpected,
            Self::Corrupt { .. } => PortErrorKind::Corrupt,
        }
    }

    pub(crate) fn of_port(self, port: PortName) -> PortError {
        PortError::new(port, self.kind(), self)
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Returns SQLite's code and message. A message names columns and constraints, and no values.
pub(crate) fn describe(error: &rusqlite::Error) -> String {
    if let rusqlite::Error::SqliteFailure(code, Some(message)) = error {
        return format!("SQLite error {}: {message}", code.extended_code);
    }
    match error.sqlite_error() {
        Some(code) => format!("SQLite error {}: {code}", code.extended_code),
        None => error.to_string(),
    }
}

/// Maps a primary code to a kind; the crate's root documents the table.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other code is a bug")]
pub(crate) const fn kind(code: ErrorCode) -> PortErrorKind {
    match code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::OperationInterrupted
        | ErrorCode::OutOfMemory
        | ErrorCode::SystemIoFailure
        | ErrorCode::DiskFull
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::FileLockingProtocolFailed => PortErrorKind::Unavailable,
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => PortErrorKind::Rejected,
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::TooBig
        | ErrorCode::TypeMismatch => PortErrorKind::Corrupt,
        _ => PortErrorKind::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_has_its_kind() {
        for (codes, expected) in [
            (
                &[
                    ErrorCode::DatabaseBusy,
                    ErrorCode::DatabaseLocked,
                    ErrorCode::OperationInterrupted,
                    ErrorCode::OutOfMemory,
                    ErrorCode::SystemIoFailure,
                    ErrorCode::DiskFull,
                    ErrorCode::CannotOpen,
                    ErrorCode::ReadOnly,
                    ErrorCode::FileLockingProtocolFailed,
                ][..],
                PortErrorKind::Unavailable,
            ),
            (
                &[ErrorCode::PermissionDenied, ErrorCode::AuthorizationForStatementDenied],
                PortErrorKind::Rejected,
            ),
            (
                &[
                    ErrorCode::DatabaseCorrupt,
                    ErrorCode::NotADatabase,
                    ErrorCode::TooBig,
                    ErrorCode::TypeMismatch,
                ],
                PortErrorKind::Corrupt,
            ),
            (&[ErrorCode::ConstraintViolation, ErrorCode::ApiMisuse], PortErrorKind::Unexpected),
        ] {
            for code in codes {
                assert_eq!(kind(*code), expected, "{code:?}");
            }
        }
        assert_eq!(SqliteError::Overloaded.kind(), PortErrorKind::Unavailable);
        assert_eq!(SqliteError::corrupt("id", "x").kind(), PortErrorKind::Corrupt);
    }
}
