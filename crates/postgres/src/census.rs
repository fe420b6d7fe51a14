use dockline::{PortError, PortName, Status};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::column;
use crate::database::Database;
use crate::failure::Failure;
use crate::statement::Statement;

/// The most bindings that are counted: then the numbers are those of as many of them.
const MOST: i64 = 2_000_000;

/// One pass over the bound installations, of which each has one row of about a hundred bytes, however often it is
/// verified. No index has the status: every sweep writes each row once, and would have to write that index, too.
const COUNT: &str = "SELECT status, count(*) AS bindings FROM \
    (SELECT status FROM {schema}.installations WHERE organization IS NOT NULL LIMIT $1) AS bound GROUP BY status";

/// The head of the sweep's own index.
const LONGEST: &str = "SELECT verified_at FROM {schema}.installations \
    WHERE organization IS NOT NULL AND status <> 'uninstalled' ORDER BY verified_at, installation_id LIMIT 1";

/// Counts live bindings, for gauges.
#[derive(Debug, Clone)]
pub struct PgBindingCounts {
    database: Database,
    count: Statement,
    longest: Statement,
}

/// How many live bindings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// Those that give tokens.
    pub active: u64,
    /// Those that are suspended.
    pub suspended: u64,
    /// Those whose installation is gone, and which nobody detached.
    pub uninstalled: u64,
    /// When GitHub last answered about the one of which that is longest ago, but for the uninstalled; `None` where there is
    /// none.
    pub longest_unverified: Option<OffsetDateTime>,
}

impl PgBindingCounts {
    /// Of the bindings in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            count: database.statement(COUNT, &[Type::INT8]),
            longest: database.statement(LONGEST, &[]),
            database: database.clone(),
        }
    }

    /// Counts, two million at the most, which takes a fraction of a second: once a minute is often enough. The two parts
    /// are of two moments.
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn take(&self) -> Result<Census, PortError> {
        self.counted().await.map_err(|failure| failure.at(PortName::BindingRepo))
    }

    async fn counted(&self) -> Result<Census, Failure> {
        let mut census = Census::default();
        for row in self.database.rows(&self.count, &[&MOST]).await? {
            let bindings = column::parse(&row, "bindings", |count: i64| u64::try_from(count))?;
            *match column::status(&row)? {
                Status::Active => &mut census.active,
                Status::Suspended => &mut census.suspended,
                Status::Uninstalled => &mut census.uninstalled,
            } = bindings;
        }
        if let Some(row) = self.database.row(&self.longest, &[]).await? {
            census.longest_unverified = Some(column::get(&row, "verified_at")?);
        }
        Ok(census)
    }
}
