//! Stores observations, by the table of `rules::life`.

use dockline::ports::{Observation, ObserveOutcome, Observed};
use dockline::rules::life::{self, ABSENT_COUNTS_FOR, LiveBindings};
use dockline::{Change, InstallationId};
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use super::changes::{self, ChangeId};
use super::rows::{record, save};
use crate::database::AppNumber;
use crate::decode::{column_number, column_time, count};
use crate::error::SqliteError;

/// Those for which `rules::life::counts_as_not_shown` is true. The last condition is that of the index.
const NOT_SHOWN: &str = "SELECT count(*) FROM installations WHERE app = ?1 AND organization IS NOT NULL \
     AND (presence = 'missing' OR verified_at > ?2) AND presence IN ('missing', 'absent')";

/// Counts no more than it takes to decide.
const ALL: &str = "SELECT count(*) FROM (SELECT 1 FROM installations \
    WHERE app = ?1 AND organization IS NOT NULL LIMIT ?2)";

/// Counts the live bindings, all of them only if their number matters.
fn live(connection: &Connection, app: AppNumber, now: OffsetDateTime) -> Result<LiveBindings, SqliteError> {
    let since = column_time(now.saturating_sub(ABSENT_COUNTS_FOR));
    let not_shown = count(connection, NOT_SHOWN, params![app.get(), since])?;
    let mut bindings = LiveBindings { all: 0, not_shown };
    if bindings.holds_shown() || bindings.holds_missing() {
        let most = not_shown.saturating_add(1).saturating_mul(10);
        bindings.all = count(connection, ALL, params![app.get(), column_number(most)])?;
    }
    Ok(bindings)
}

pub(super) fn observe(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
    observation: &Observation,
    id: &ChangeId,
) -> Result<Observed, SqliteError> {
    let before = record(connection, app, installation)?;
    let (after, outcome) = match before.clone() {
        Some(mut record) => {
            let mut failure = None;
            let outcome = life::observe(&mut record, observation, || {
                live(connection, app, observation.at()).unwrap_or_else(|error| {
                    failure = Some(error);
                    LiveBindings::default()
                })
            });
            if let Some(error) = failure {
                return Err(error);
            }
            (Some(record), outcome)
        }
        None => match life::first(observation) {
            Some(record) => (Some(record), ObserveOutcome::Recorded),
            None => (None, ObserveOutcome::Outdated),
        },
    };
    let Some(after) = after.filter(|after| before.as_ref() != Some(after)) else {
        return Ok(Observed { outcome, change: None });
    };
    save(connection, app, installation, &after)?;
    let change = Change::between(installation, before.as_ref(), &after);
    if let Some(change) = &change {
        changes::store(connection, app, change, id)?;
    }
    Ok(Observed { outcome, change })
}
