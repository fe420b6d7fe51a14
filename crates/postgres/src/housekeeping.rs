use async_trait::async_trait;
use dockline::ports::Housekeeping;
use dockline::{PortError, PortName};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::{ToSql, Type};

use crate::column::stored;
use crate::database::Database;
use crate::statement::Statement;

/// How long a state is kept after it expired.
const STATES: Duration = Duration::DAY;

/// How long an installation that nobody is bound to is kept after we last heard of it.
const INSTALLATIONS: Duration = Duration::days(30);

/// How long we remember who installed what nobody is bound to.
const INSTALLERS: Duration = Duration::days(30);

/// A bucket that a clock may still be behind of would be met anew, and full.
const BUCKETS: Duration = Duration::HOUR;

const PURGE_STATES: &str = "DELETE FROM {schema}.install_states WHERE digest = ANY (ARRAY (\
    SELECT digest FROM {schema}.install_states WHERE expires_at < $1 \
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING true";

const PURGE_INSTALLATIONS: &str = "DELETE FROM {schema}.installations WHERE installation_id = ANY (ARRAY (\
    SELECT installation_id FROM {schema}.installations \
    WHERE organization IS NULL AND verified_at < $1 AND (released_at IS NULL OR released_at < $1) \
    ORDER BY verified_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING true";

/// Each installation is looked up by itself: as a join, all that are bound would be read for the few that are not.
const PURGE_INSTALLERS: &str = "DELETE FROM {schema}.installers WHERE installation_id = ANY (ARRAY (\
    SELECT installation_id FROM {schema}.installers AS noted WHERE noted_at < $1 \
    AND (SELECT i.organization FROM {schema}.installations AS i \
     WHERE i.installation_id = noted.installation_id) IS NULL \
    ORDER BY noted_at LIMIT $2 FOR UPDATE OF noted SKIP LOCKED)) RETURNING true";

const PURGE_BUCKETS: &str = "DELETE FROM {schema}.rate_buckets WHERE (key_id, class) IN (\
    SELECT key_id, class FROM {schema}.rate_buckets \
    WHERE counted_to < $1::numeric AND (used_today = 0 OR counted_day < $3) \
    AND level + ($4::numeric - counted_to) * per_minute >= per_minute * 60000000000::numeric \
    LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING true";

/// Deletes what nobody needs any more, in small steps: expired states, installations that nobody is bound to and who
/// installed them, full rate buckets. Never a binding, live or released: a state stays spent for ever.
#[derive(Debug, Clone)]
pub struct PgHousekeeping {
    database: Database,
    states: Statement,
    installations: Statement,
    installers: Statement,
    buckets: Statement,
}

/// How many rows of each kind one step deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// States that expired more than a day ago.
    pub states: usize,
    /// Installations that are bound to nobody, were not heard of and not released for 30 days.
    pub installations: usize,
    /// Installers that were noted more than 30 days ago, of installations that are bound to nobody.
    pub installers: usize,
    /// Budgets that a fresh one would be no different from.
    pub buckets: usize,
}

impl Purged {
    /// Whether anything was deleted, so that there may be more.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.states > 0 || self.installations > 0 || self.installers > 0 || self.buckets > 0
    }
}

impl PgHousekeeping {
    /// The housekeeping of `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            states: database.statement(PURGE_STATES, &[Type::TIMESTAMPTZ, Type::INT8]),
            installations: database.statement(PURGE_INSTALLATIONS, &[Type::TIMESTAMPTZ, Type::INT8]),
            installers: database.statement(PURGE_INSTALLERS, &[Type::TIMESTAMPTZ, Type::INT8]),
            buckets: database.statement(PURGE_BUCKETS, &[Type::TEXT, Type::INT8, Type::INT8, Type::TEXT]),
            database: database.clone(),
        }
    }

    /// Deletes up to `batch` rows of each kind, as of `now`. Repeat while [`Purged::any`]; several nodes may do so at
    /// the same time, and rows that somebody is working on are left for later.
    ///
    /// # Errors
    /// Infrastructure only; what the steps before the failing one deleted stays deleted.
    pub async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<Purged, PortError> {
        let (now, batch) = (stored(now), i64::from(batch));
        let before = |kept: Duration| now.checked_sub(kept).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let nanoseconds = |time: OffsetDateTime| time.unix_timestamp_nanos().to_string();
        let counted = before(BUCKETS);
        Ok(Purged {
            states: self.delete(PortName::StateStore, &self.states, &[&before(STATES), &batch]).await?,
            installations: self
                .delete(PortName::BindingRepo, &self.installations, &[&before(INSTALLATIONS), &batch])
                .await?,
            installers: self
                .delete(PortName::BindingRepo, &self.installers, &[&before(INSTALLERS), &batch])
                .await?,
            buckets: self
                .delete(
                    PortName::RateLimiter,
                    &self.buckets,
                    &[&nanoseconds(counted), &batch, &i64::from(counted.to_julian_day()), &nanoseconds(now)],
                )
                .await?,
        })
    }

    async fn delete(
        &self,
        port: PortName,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<usize, PortError> {
        let rows = self.database.rows(statement, parameters).await;
        rows.map(|rows| rows.len()).map_err(|failure| failure.at(port))
    }
}

#[async_trait]
impl Housekeeping for PgHousekeeping {
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError> {
        let Purged { states, installations, installers, buckets } = self.purge(now, batch).await?;
        Ok((states + installations + installers + buckets) as u64)
    }
}
