use std::error::Error;
use std::io;
use std::time::Duration;

use deadpool_postgres::PoolError;
use dockline::{PortError, PortErrorKind, PortName};
use tokio_postgres::error::SqlState;

/// Why a call failed, with all causes in one text. Contains no parameter value and no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("no answer within {0:?}; the connection is closed")]
    Deadline(Duration),
    #[error("no connection is available: {}", describe_pool(.0))]
    Pool(PoolError),
    #[error("the statement failed: {}", describe(.0))]
    Statement(tokio_postgres::Error),
    #[error("a table or a column is missing, run the migrations: {}", describe(.0))]
    NotMigrated(tokio_postgres::Error),
    #[error("the statement conflicted with other transactions {0} times")]
    Conflict(u32),
    #[error("{0} calls wait for a statement already")]
    Overloaded(usize),
    #[error("column {column} contains an invalid value")]
    Corrupt {
        column: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl DatabaseError {
    pub(crate) fn of(error: tokio_postgres::Error) -> Self {
        match error.code().map(|code| reaction(code.code())) {
            Some(Reaction::Migrate) => Self::NotMigrated(error),
            Some(Reaction::Repeat | Reaction::RepeatUnnamed | Reaction::Reconnect | Reaction::Fail(_))
            | None => Self::Statement(error),
        }
    }

    pub(crate) fn corrupt(column: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt { column, source: source.into() }
    }

    /// Returns whether a statement for several callers is repeated in smaller parts: not after a deadline, when its callers
    /// have left.
    pub(crate) const fn is_worth_a_repetition(&self) -> bool {
        !matches!(self, Self::Deadline(_))
    }

    /// Returns the name of the unique constraint that the statement violated.
    pub(crate) fn violated(&self) -> Option<&str> {
        let Self::Statement(error) = self else { return None };
        let error = error.as_db_error().filter(|error| *error.code() == SqlState::UNIQUE_VIOLATION)?;
        error.constraint()
    }

    /// Returns whether one of the calls that share a statement may have made it fail, so that the others succeed without it. The
    /// server has rolled the statement back.
    pub(crate) fn may_concern_one_call(&self) -> bool {
        match self {
            Self::Statement(error) => error.code().is_some_and(|sqlstate| {
                self.is_lock_timeout()
                    || reaction(sqlstate.code()) != Reaction::Fail(PortErrorKind::Unavailable)
            }),
            Self::Conflict(_) => true,
            Self::Deadline(_)
            | Self::Pool(_)
            | Self::NotMigrated(_)
            | Self::Overloaded(_)
            | Self::Corrupt { .. } => false,
        }
    }

    /// Returns whether the statement waited for a lock longer than it may.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        self.sqlstate() == Some(SqlState::LOCK_NOT_AVAILABLE.code())
    }

    /// Returns the SQLSTATE of a statement's error.
    pub(crate) fn sqlstate(&self) -> Option<&str> {
        let Self::Statement(error) = self else { return None };
        error.code().map(SqlState::code)
    }

    pub(crate) fn kind(&self) -> PortErrorKind {
        match self {
            Self::Deadline(_) | Self::Conflict(_) => PortErrorKind::Unavailable,
            // An error of unknown cause during login most likely comes from our configuration.
            Self::Pool(PoolError::Backend(error)) => kind(error).unwrap_or(PortErrorKind::Rejected),
            Self::Statement(error) => kind(error).unwrap_or(PortErrorKind::Unexpected),
            Self::Pool(PoolError::Timeout(_) | PoolError::Closed) => PortErrorKind::Unavailable,
            Self::Pool(PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_))
            | Self::NotMigrated(_) => PortErrorKind::Unexpected,
            Self::Overloaded(_) => PortErrorKind::Overloaded,
            Self::Corrupt { .. } => PortErrorKind::Corrupt,
        }
    }

    pub(crate) fn of_port(self, port: PortName) -> PortError {
        PortError::new(port, self.kind(), self)
    }
}

/// Returns the error and its causes. An error that the server sent is reduced to SQLSTATE and primary message, since
/// detail and hint can quote the values of a row.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("SQLSTATE {}: {}", error.code().code(), error.message());
    }
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Returns whether a login failed for another reason than an unreachable server.
pub(crate) fn was_refused(error: &tokio_postgres::Error) -> bool {
    error.code().is_some() || kind(error) != Some(PortErrorKind::Unavailable)
}

fn describe_pool(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => describe(error),
        other @ (PoolError::Timeout(_)
        | PoolError::Closed
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(_)) => other.to_string(),
    }
}

/// Returns the kind by SQLSTATE, or by the I/O error if the server sent none. `None` if there is neither.
#[expect(clippy::wildcard_enum_match_arm, reason = "there are forty kinds of I/O errors, and more to come")]
fn kind(error: &tokio_postgres::Error) -> Option<PortErrorKind> {
    if let Some(sqlstate) = error.code() {
        return Some(match reaction(sqlstate.code()) {
            Reaction::Fail(kind) => kind,
            Reaction::Repeat | Reaction::Reconnect => PortErrorKind::Unavailable,
            Reaction::RepeatUnnamed | Reaction::Migrate => PortErrorKind::Unexpected,
        });
    }
    if error.is_closed() {
        return Some(PortErrorKind::Unavailable);
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                // tokio-postgres uses InvalidInput for values it cannot encode, rustls InvalidData for bad certificates.
                io::ErrorKind::InvalidInput => Some(PortErrorKind::Corrupt),
                io::ErrorKind::InvalidData => None,
                _ => Some(PortErrorKind::Unavailable),
            };
        }
        source = error.source();
    }
    None
}

/// The reaction to an error that the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The transaction was rolled back because of a concurrent one: repeat it.
    Repeat,
    /// The server does not know the prepared statement, or knows another one by that name. Nothing was executed: repeat
    /// it unnamed.
    RepeatUnnamed,
    /// The server ended the session because it was idle, before it executed anything: repeat the statement on another
    /// connection.
    Reconnect,
    /// A table or column is missing: the schema was not migrated.
    Migrate,
    /// Return the error to the caller.
    Fail(PortErrorKind),
}

/// Maps a SQLSTATE to a reaction; the crate's root documents the table.
pub(crate) fn reaction(sqlstate: &str) -> Reaction {
    match sqlstate {
        "40001" | "40P01" => Reaction::Repeat,
        "26000" | "42P05" | "0A000" => Reaction::RepeatUnnamed,
        "42P01" | "42703" | "3F000" => Reaction::Migrate,
        "57P05" => Reaction::Reconnect,
        // If the database was dropped, the next login reports it.
        "57P01" | "57P02" | "57P03" | "57P04" | "57014" | "55P03" | "25006" => {
            Reaction::Fail(PortErrorKind::Unavailable)
        }
        "3D000" | "42501" => Reaction::Fail(PortErrorKind::Rejected),
        other => Reaction::Fail(match other.get(..2) {
            Some("08" | "53") => PortErrorKind::Unavailable,
            Some("28") => PortErrorKind::Rejected,
            Some("22") => PortErrorKind::Corrupt,
            _ => PortErrorKind::Unexpected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_sqlstate_has_its_reaction() {
        for (sqlstates, expected) in [
            (&["40001", "40P01"][..], Reaction::Repeat),
            (&["26000", "42P05", "0A000"], Reaction::RepeatUnnamed),
            (&["42P01", "42703", "3F000"], Reaction::Migrate),
            (
                &["08000", "08001", "08003", "08004", "08006", "08P01"],
                Reaction::Fail(PortErrorKind::Unavailable),
            ),
            (&["57P01", "57P02", "57P03", "57P04"], Reaction::Fail(PortErrorKind::Unavailable)),
            (&["57P05"], Reaction::Reconnect),
            (&["53000", "53100", "53200", "53300"], Reaction::Fail(PortErrorKind::Unavailable)),
            (&["57014", "55P03", "25006"], Reaction::Fail(PortErrorKind::Unavailable)),
            (&["28000", "28P01", "3D000", "42501"], Reaction::Fail(PortErrorKind::Rejected)),
            (&["22000", "22P02", "22021", "22003"], Reaction::Fail(PortErrorKind::Corrupt)),
            (
                &["23505", "23514", "42601", "XX000", "57P06", "", "é"],
                Reaction::Fail(PortErrorKind::Unexpected),
            ),
        ] {
            for sqlstate in sqlstates {
                assert_eq!(reaction(sqlstate), expected, "{sqlstate}");
            }
        }
    }

    #[test]
    fn pool_errors_are_unavailable_unless_the_pool_is_set_up_wrongly() {
        use deadpool_postgres::TimeoutType;
        for (error, expected) in [
            (PoolError::Timeout(TimeoutType::Wait), PortErrorKind::Unavailable),
            (PoolError::Closed, PortErrorKind::Unavailable),
            (PoolError::NoRuntimeSpecified, PortErrorKind::Unexpected),
        ] {
            let error = DatabaseError::Pool(error).of_port(PortName::KeyStore);
            assert_eq!((error.kind(), error.port()), (expected, PortName::KeyStore));
        }
        assert_eq!(DatabaseError::Conflict(3).kind(), PortErrorKind::Unavailable);
    }
}
