use async_trait::async_trait;
use dockline::ports::BindingCounter;
use dockline::rules::life::ABSENT_COUNTS_FOR;
use dockline::{BindingCounts, BindingState, PortError, PortName};
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use crate::database::{AppDatabase, AppNumber};
use crate::decode::{column_time, nullable_time, number, row, rows, text};
use crate::error::SqliteError;

const COUNT: &str = "SELECT state, count(*) AS bindings, \
     count(*) FILTER (WHERE presence = 'missing' OR (presence = 'absent' AND verified_at > ?2)) AS not_shown \
    FROM installations WHERE app = ?1 AND organization IS NOT NULL GROUP BY state";

/// Reads the first entry of the sweep's index.
const LONGEST_DUE: &str = "SELECT next_look_at FROM installations \
    WHERE app = ?1 AND organization IS NOT NULL AND next_look_at IS NOT NULL ORDER BY next_look_at LIMIT 1";

/// Counts live bindings.
#[derive(Debug, Clone)]
pub struct SqliteBindingCounter {
    database: AppDatabase,
}

impl SqliteBindingCounter {
    /// Counts the bindings of an App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone() }
    }
}

#[async_trait]
impl BindingCounter for SqliteBindingCounter {
    async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError> {
        let app = self.database.app();
        let counted = self.database.database().read(move |connection| count(connection, app, now));
        counted.await.map_err(|error| error.of_port(PortName::BindingRepo))
    }
}

fn count(connection: &Connection, app: AppNumber, now: OffsetDateTime) -> Result<BindingCounts, SqliteError> {
    let since = column_time(now.saturating_sub(ABSENT_COUNTS_FOR));
    let states = rows(connection, COUNT, params![app.get(), since], |row| {
        let state: BindingState = text(row, "state")?;
        Ok((state, number(row, "bindings")?, number(row, "not_shown")?))
    })?;
    let mut counts = BindingCounts::default();
    for (state, bindings, not_shown) in states {
        counts.not_shown += not_shown;
        *counts.of_mut(state) += bindings;
    }
    let due = row(connection, LONGEST_DUE, [app.get()], |row| nullable_time(row, "next_look_at"))?;
    counts.due_since = due.flatten();
    Ok(counts)
}
