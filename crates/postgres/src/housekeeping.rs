mod walk;

use async_trait::async_trait;
use dockline::ports::Housekeeping;
use dockline::rules::outbox::{BODIES_KEPT_FOR, DEAD_KEPT_FOR, KEYS_KEPT_FOR};
use dockline::{PortError, PortName};
use time::{Duration, OffsetDateTime};
use tokio_postgres::types::Type;

use self::walk::{Walk, Walked};
use crate::budget::microseconds;
use crate::database::Database;
use crate::database::{Parameters, Statement};
use crate::decode::column_time;
use crate::error::DatabaseError;

/// Retention of expired states.
const STATES: Duration = Duration::DAY;

/// Retention of unbound installations, since they were last observed or released. The number of one that ended for good
/// is kept for ever.
const INSTALLATIONS: Duration = Duration::days(30);

/// Retention of installers of unbound installations.
const INSTALLERS: Duration = Duration::days(30);

/// Retention of unused buckets. A node whose clock is behind must find the bucket instead of a fresh, full one.
const BUCKETS: Duration = Duration::HOUR;

/// How often a call of the port continues with the unread part of a table before it reports that it found nothing. The
/// next run of the host continues, so that a large table is not read to its end by each.
const STEPS: usize = 10;

const PURGE_STATES: &str = "DELETE FROM {schema}.install_states WHERE ctid = ANY (ARRAY (\
    SELECT ctid FROM {schema}.install_states WHERE expires_at < $1 \
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING true";

/// A final end must stay final: its row loses only the account. The first condition is that of the index.
const PURGE_INSTALLATIONS: &str = "WITH old AS ( \
     SELECT ctid, COALESCE(uninstalled_by IN ('deletion', 'us'), false) AS ended FROM {schema}.installations \
     WHERE organization IS NULL \
     AND (account_id IS NOT NULL OR uninstalled_by IS NULL OR uninstalled_by = 'absence') \
     AND verified_at < $1 AND (observed_at IS NULL OR observed_at < $1) AND (released_at IS NULL OR released_at < $1) \
     ORDER BY verified_at LIMIT $2 FOR UPDATE SKIP LOCKED \
    ), kept AS ( \
     UPDATE {schema}.installations SET account_id = NULL, account_login = NULL, account_kind = NULL \
     WHERE ctid = ANY (ARRAY (SELECT ctid FROM old WHERE ended)) RETURNING app, installation_id, true AS done \
    ), facts AS ( \
     DELETE FROM {schema}.installation_facts AS f USING kept \
     WHERE f.app = kept.app AND f.installation_id = kept.installation_id \
    ), gone AS ( \
     DELETE FROM {schema}.installations WHERE ctid = ANY (ARRAY (SELECT ctid FROM old WHERE NOT ended)) \
     RETURNING true AS done \
    ) SELECT done FROM kept UNION ALL SELECT done FROM gone";

/// The condition of a [`Walk`] on the pages of a row.
macro_rules! in_pages {
    ($row:literal) => {
        concat!($row, ".ctid >= ('(' || $1 || ',0)')::tid AND ", $row, ".ctid < ('(' || $2 || ',0)')::tid")
    };
}

/// The result of a [`Walk`]'s statement.
macro_rules! walked {
    ($table:literal) => {
        concat!(
            " SELECT (SELECT count(*) FROM gone) AS deleted, \
             pg_relation_size('{schema}.",
            $table,
            "') <= $2 * current_setting('block_size')::bigint AS last"
        )
    };
}

/// Most installers belong to bound installations and stay, so an index by age would lead to them again with each purge. Looks
/// up the installations one by one: a join would read all of them to find the few unbound ones.
const PURGE_INSTALLERS: &str = concat!(
    "WITH gone AS (DELETE FROM {schema}.installers WHERE ctid = ANY (ARRAY (\
     SELECT noted.ctid FROM {schema}.installers AS noted WHERE ",
    in_pages!("noted"),
    " AND noted_at < $4 \
     AND (SELECT i.organization FROM {schema}.installations AS i \
      WHERE i.app = noted.app AND i.installation_id = noted.installation_id) IS NULL \
     LIMIT $3 FOR UPDATE OF noted SKIP LOCKED)) RETURNING true)",
    walked!("installers")
);

/// Bodies of delivered messages.
const PURGE_BODIES: &str = "WITH old AS (\
    UPDATE {schema}.outbox_entries SET has_body = false WHERE ctid = ANY (ARRAY (\
     SELECT ctid FROM {schema}.outbox_entries WHERE status = 'done' AND has_body AND settled_at < $1 \
     ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING app, organization, sequence) \
    DELETE FROM {schema}.outbox_bodies AS b USING old \
    WHERE b.app = old.app AND b.organization = old.organization AND b.sequence = old.sequence RETURNING true";

const PURGE_DELIVERED: &str = "DELETE FROM {schema}.outbox_entries WHERE ctid = ANY (ARRAY (\
    SELECT ctid FROM {schema}.outbox_entries WHERE status = 'done' AND NOT has_body AND settled_at < $1 \
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING true";

const PURGE_DEAD: &str = "WITH old AS (\
    DELETE FROM {schema}.outbox_entries WHERE ctid = ANY (ARRAY (\
     SELECT ctid FROM {schema}.outbox_entries WHERE status = 'dead' AND settled_at < $1 \
     ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING app, organization, sequence, size \
    ), bodies AS (DELETE FROM {schema}.outbox_bodies AS b USING old \
     WHERE b.app = old.app AND b.organization = old.organization AND b.sequence = old.sequence \
    ), freed AS (UPDATE {schema}.outbox_queues AS q SET bytes = q.bytes - freed.size FROM (\
      SELECT app, organization, sum(size)::bigint AS size FROM old GROUP BY app, organization) AS freed \
     WHERE q.app = freed.app AND q.organization = freed.organization AND freed.size > 0) \
    SELECT true FROM old";

/// `$4` the latest time of a bucket, `$5` now, both in microseconds. The constant is that of the statements that charge: it
/// makes days round down. Without an index by age, which each charge would have to update.
const PURGE_BUCKETS: &str = concat!(
    "WITH gone AS (DELETE FROM {schema}.budgets WHERE ctid = ANY (ARRAY (\
     SELECT kept.ctid FROM {schema}.budgets AS kept WHERE ",
    in_pages!("kept"),
    " AND counted_to < $4 AND (used_today = 0 \
      OR (counted_to + 432000000000000000) / 86400000000 < ($4 + 432000000000000000) / 86400000000) \
     AND level + LEAST($5 - counted_to, 60000000) * per_minute >= per_minute * 60000000 \
     LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING true)",
    walked!("budgets")
);

/// Deletes rows that are no longer needed, in batches: expired states, unbound installations and their installers, full
/// rate limit buckets, and messages that were delivered or are dead. If an installation ended for good, deletes its
/// account and keeps its id. Never deletes a binding, live or released, so that no state can be spent twice.
#[derive(Debug, Clone)]
pub struct PgHousekeeping {
    database: Database,
    states: Statement,
    installations: Statement,
    installers: Walk,
    buckets: Walk,
    bodies: Statement,
    delivered: Statement,
    dead: Statement,
}

/// The numbers of deleted rows, and whether there may be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// States that expired more than a day ago.
    pub states: usize,
    /// Unbound installations that were neither observed nor released for 30 days, or their accounts.
    pub installations: usize,
    /// Installers of unbound installations, recorded more than 30 days ago.
    pub installers: usize,
    /// Buckets that equal a fresh one.
    pub buckets: usize,
    /// Bodies of messages that the product accepted more than a day ago.
    pub bodies: usize,
    /// Messages that the product accepted more than 7 days ago, and those that have been dead for 30 days.
    pub messages: usize,
    /// Whether the purge of installers or buckets has read a part of its table only. The next one continues there.
    pub unread: bool,
}

impl Purged {
    /// Returns whether there may be more to delete: any row was deleted, or a part of a table is unread.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.rows() > 0 || self.unread
    }

    const fn rows(&self) -> usize {
        self.states + self.installations + self.installers + self.buckets + self.bodies + self.messages
    }
}

impl PgHousekeeping {
    /// Purges the tables of `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        let by_age = |template| database.statement(template, &[Type::TIMESTAMPTZ, Type::INT8]);
        let walk = |template, types| Walk::new(database.statement(template, types));
        Self {
            states: by_age(PURGE_STATES),
            installations: by_age(PURGE_INSTALLATIONS),
            installers: walk(PURGE_INSTALLERS, &[Type::INT8, Type::INT8, Type::INT8, Type::TIMESTAMPTZ]),
            buckets: walk(PURGE_BUCKETS, &[Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8]),
            bodies: by_age(PURGE_BODIES),
            delivered: by_age(PURGE_DELIVERED),
            dead: by_age(PURGE_DEAD),
            database: database.clone(),
        }
    }

    /// Deletes up to `batch` rows of each kind, as of `now`. Repeat while [`Purged::any`]. Several nodes may purge
    /// concurrently; rows that are locked by a transaction are skipped.
    ///
    /// # Errors
    /// Infrastructure only: the first failure. The other kinds of rows are purged nevertheless.
    pub async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<Purged, PortError> {
        let (now, batch) = (column_time(now), i64::from(batch));
        let before = |retention: Duration| now.checked_sub(retention).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let states = self.delete(PortName::StateStore, &self.states, &[&before(STATES), &batch]).await;
        let installations =
            self.delete(PortName::BindingRepo, &self.installations, &[&before(INSTALLATIONS), &batch]).await;
        let installers = self.installers.step(&self.database, batch, &[&before(INSTALLERS)]).await;
        let buckets = self
            .buckets
            .step(&self.database, batch, &[&microseconds(before(BUCKETS)), &microseconds(now)])
            .await;
        let bodies = self.delete(PortName::Outbox, &self.bodies, &[&before(BODIES_KEPT_FOR), &batch]).await;
        let delivered =
            self.delete(PortName::Outbox, &self.delivered, &[&before(KEYS_KEPT_FOR), &batch]).await;
        let dead = self.delete(PortName::Outbox, &self.dead, &[&before(DEAD_KEPT_FOR), &batch]).await;
        let of_port = |port: PortName| move |error: DatabaseError| error.of_port(port);
        let (installers, buckets): (Walked, Walked) = (
            installers.map_err(of_port(PortName::BindingRepo))?,
            buckets.map_err(of_port(PortName::RateLimiter))?,
        );
        Ok(Purged {
            states: states?,
            installations: installations?,
            installers: installers.deleted,
            buckets: buckets.deleted,
            bodies: bodies?,
            messages: delivered? + dead?,
            unread: installers.unread || buckets.unread,
        })
    }

    async fn delete(
        &self,
        port: PortName,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<usize, PortError> {
        let rows = self.database.rows(statement, parameters).await;
        rows.map(|rows| rows.len()).map_err(|error| error.of_port(port))
    }
}

#[async_trait]
impl Housekeeping for PgHousekeeping {
    async fn purge(&self, now: OffsetDateTime, batch: u32) -> Result<u64, PortError> {
        for _ in 0..STEPS {
            let purged = self.purge(now, batch).await?;
            if purged.rows() > 0 || !purged.any() {
                return Ok(purged.rows() as u64);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_of_any_kind_of_row_asks_for_another_one() {
        let none = Purged::default();
        assert!(!none.any());
        for purged in [
            Purged { states: 1, ..none },
            Purged { installations: 1, ..none },
            Purged { installers: 1, ..none },
            Purged { buckets: 1, ..none },
            Purged { bodies: 1, ..none },
            Purged { messages: 1, ..none },
            Purged { unread: true, ..none },
        ] {
            assert!(purged.any(), "{purged:?}");
        }
    }
}
