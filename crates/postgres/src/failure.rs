use std::error::Error;
use std::io;
use std::time::Duration;

use deadpool_postgres::PoolError;
use dockline::{PortError, PortErrorKind, PortName};
use tokio_postgres::error::SqlState;

use crate::sqlstate::{Handling, handling};

/// How a call failed. Holds no value of any parameter and nothing of the database's URL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer within {0:?}; the connection was thrown away")]
    Deadline(Duration),
    #[error("no connection could be had")]
    Pool(#[source] PoolError),
    #[error("the database refused the statement")]
    Statement(#[source] tokio_postgres::Error),
    #[error("a table or a column is missing: run the migrations")]
    NotMigrated(#[source] tokio_postgres::Error),
    #[error("the statement was undone {0} times in favour of others'")]
    Contended(u32),
    #[error("column {column} holds what does not parse")]
    Corrupt {
        column: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Failure {
    pub(crate) fn of(error: tokio_postgres::Error) -> Self {
        match error.code().map(|code| handling(code.code())) {
            Some(Handling::Migrate) => Self::NotMigrated(error),
            Some(Handling::Repeat | Handling::RepeatUnnamed | Handling::Give(_)) | None => {
                Self::Statement(error)
            }
        }
    }

    pub(crate) fn corrupt(column: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt { column, source: source.into() }
    }

    /// The unique constraint that the statement ran into, by its name.
    pub(crate) fn violated(&self) -> Option<&str> {
        let Self::Statement(error) = self else { return None };
        let error = error.as_db_error().filter(|error| *error.code() == SqlState::UNIQUE_VIOLATION)?;
        error.constraint()
    }

    pub(crate) fn kind(&self) -> PortErrorKind {
        match self {
            Self::Deadline(_) | Self::Contended(_) => PortErrorKind::Unavailable,
            // What a server says about us before it has let us in is about our configuration, if about anything.
            Self::Pool(PoolError::Backend(error)) => kind(error).unwrap_or(PortErrorKind::Rejected),
            Self::Statement(error) => kind(error).unwrap_or(PortErrorKind::Unexpected),
            Self::Pool(PoolError::Timeout(_) | PoolError::Closed) => PortErrorKind::Unavailable,
            Self::Pool(PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_))
            | Self::NotMigrated(_) => PortErrorKind::Unexpected,
            Self::Corrupt { .. } => PortErrorKind::Corrupt,
        }
    }

    pub(crate) fn at(self, port: PortName) -> PortError {
        PortError::new(port, self.kind(), self)
    }
}

/// By the SQLSTATE, else by what the socket said; `None` where it was neither.
#[expect(clippy::wildcard_enum_match_arm, reason = "there are forty kinds of I/O trouble, and more to come")]
fn kind(error: &tokio_postgres::Error) -> Option<PortErrorKind> {
    if let Some(sqlstate) = error.code() {
        return Some(match handling(sqlstate.code()) {
            Handling::Give(kind) => kind,
            Handling::Repeat => PortErrorKind::Unavailable,
            Handling::RepeatUnnamed | Handling::Migrate => PortErrorKind::Unexpected,
        });
    }
    if error.is_closed() {
        return Some(PortErrorKind::Unavailable);
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                // The protocol's parser has this kind for what does not parse, TLS the other for a bad certificate.
                io::ErrorKind::InvalidInput => Some(PortErrorKind::Corrupt),
                io::ErrorKind::InvalidData => None,
                _ => Some(PortErrorKind::Unavailable),
            };
        }
        source = error.source();
    }
    None
}
