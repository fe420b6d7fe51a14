use async_trait::async_trait;
use dockline::ports::BindingCounter;
use dockline::rules::life::ABSENT_COUNTS_FOR;
use dockline::{BindingCounts, PortError, PortName, Status};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{column_time, get, parse, parse_text};
use crate::error::DatabaseError;

/// Upper bound of the counted bindings, so that counting ends in time on a table of any size.
const LIMIT: i64 = 2_000_000;

/// Reads the row of each bound installation once. There is no index on the status, since every verification of a
/// binding would have to update it.
const COUNT: &str = "SELECT state, count(*) AS bindings, \
     count(*) FILTER (WHERE denied_number IS NOT NULL AND (state = 'missing' OR verified_at > $2)) AS not_shown FROM \
    (SELECT CASE WHEN ending_since IS NOT NULL THEN 'ending' \
      WHEN missing_since IS NOT NULL AND status <> 'uninstalled' THEN 'missing' ELSE status END AS state, \
      denied_number, verified_at \
     FROM {schema}.installations WHERE app = {app} AND organization IS NOT NULL LIMIT $1) AS bound GROUP BY state";

/// Reads the first entry of the sweep's index. A row that an earlier version wrote counts as due since its last look.
const LONGEST_DUE: &str = "SELECT GREATEST(next_look_at, observed_at, verified_at) AS due_since FROM {schema}.installations \
    WHERE app = {app} AND organization IS NOT NULL AND next_look_at IS NOT NULL \
    ORDER BY next_look_at, installation_id LIMIT 1";

/// Counts live bindings, up to two million, in a fraction of a second.
#[derive(Debug, Clone)]
pub struct PgBindingCounter {
    database: Database,
    count: Statement,
    longest_due: Statement,
}

impl PgBindingCounter {
    /// Counts the bindings in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self {
            count: database.statement(COUNT, &[Type::INT8, Type::TIMESTAMPTZ]),
            longest_due: database.statement(LONGEST_DUE, &[]),
            database: database.database().clone(),
        }
    }
    async fn read(&self, now: OffsetDateTime) -> Result<BindingCounts, DatabaseError> {
        let mut counts = BindingCounts::default();
        let counted_since = column_time(now.saturating_sub(ABSENT_COUNTS_FOR));
        for row in self.database.rows(&self.count, &[&LIMIT, &counted_since]).await? {
            let number = |column| parse(&row, column, |count: i64| u64::try_from(count));
            counts.not_shown += number("not_shown")?;
            *match get(&row, "state")? {
                "ending" => &mut counts.ending,
                "missing" => &mut counts.missing,
                _ => match parse_text(&row, "state")? {
                    Status::Active => &mut counts.active,
                    Status::Suspended => &mut counts.suspended,
                    Status::Uninstalled => &mut counts.uninstalled,
                },
            } = number("bindings")?;
        }
        if let Some(row) = self.database.row(&self.longest_due, &[]).await? {
            counts.due_since = Some(get(&row, "due_since")?);
        }
        Ok(counts)
    }
}

#[async_trait]
impl BindingCounter for PgBindingCounter {
    async fn count(&self, now: OffsetDateTime) -> Result<BindingCounts, PortError> {
        self.read(now).await.map_err(|error| error.of_port(PortName::BindingRepo))
    }
}
