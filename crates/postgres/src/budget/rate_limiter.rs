use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::rules::bucket::Bucket;
use dockline::{PortError, PortName};
use tokio_postgres::types::Type;

use super::sql::{charged_columns, charges};
use super::{CHARGED, KEPT, microseconds};
use crate::database::{Database, Statement};
use crate::decode::get;
use crate::error::DatabaseError;

/// Attempts of a check if another transaction creates the row meanwhile, or changes it.
const ATTEMPTS: u32 = 3;

/// `$1` key, `$2` class, `$3` permits, `$4` the time, `$5` permits per minute, `$6` the daily cap. All permits or none; waits
/// for a locked row. Always one row.
const CHECK: &str = concat!(
    "WITH wanted AS MATERIALIZED (SELECT $1 AS key, $2 AS class, $3 AS permits, $3 AS least, $4 AS at, \
      $5 AS per_minute, $6 AS per_day, kept.level IS NULL AS is_missing, kept.level AS kept_level, \
      kept.used_today AS kept_used_today, kept.counted_to AS kept_counted_to, kept.lag AS kept_lag \
      FROM (SELECT) AS one LEFT JOIN {schema}.budgets AS kept ON kept.key = $1 AND kept.class = $2), ",
    charges!(""),
    " SELECT kept_level, kept_used_today, kept_counted_to, kept_lag, ",
    charged_columns!(),
    " FROM quick CROSS JOIN wanted LEFT JOIN charges ON true"
);

const TYPES: &[Type] = &[Type::TEXT, Type::TEXT, Type::INT8, Type::INT8, Type::INT8, Type::INT8];

/// Rate limits in the table `budgets`. Exact across nodes: levels are integers, and each decision is one statement
/// that locks its row. A request that is not charged writes nothing, unless the clock went back by
/// more than ten minutes or the tier became smaller. Times are rounded down to microseconds.
///
/// A charge is committed asynchronously: if the server crashes, the charges of its last moment may be given back.
///
/// A clock that goes back refills nothing. If it is up to ten minutes behind, refilling resumes when it catches up; up to an
/// hour, its own progress refills; if it is further behind, counting restarts at the clock's time with the remaining level. More permits than a full bucket
/// holds are never granted: `retry_after` is a hundred years.
#[derive(Debug, Clone)]
pub struct PgRateLimiter {
    database: Database,
    check: Statement,
}

impl PgRateLimiter {
    /// Uses the budgets in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { check: database.statement(CHECK, TYPES), database: database.clone() }
    }

    async fn decide(&self, request: &RateLimitRequest) -> Result<RateLimitDecision, DatabaseError> {
        for _ in 0..ATTEMPTS {
            if let Some(decision) = self.try_once(request).await? {
                return Ok(decision);
            }
        }
        Err(DatabaseError::Conflict(ATTEMPTS))
    }

    /// Returns `None` if the level that the statement read is not the one that it would have charged.
    async fn try_once(&self, request: &RateLimitRequest) -> Result<Option<RateLimitDecision>, DatabaseError> {
        let full = Bucket::full(request.class, &request.tier, request.now);
        let row = self
            .database
            .row(
                &self.check,
                &[
                    &request.key.as_str(),
                    &request.class.as_str(),
                    &i64::from(request.permits),
                    &microseconds(request.now),
                    &i64::from(full.limit),
                    &full.daily.map(i64::from),
                ],
            )
            .await?;
        let row = row.ok_or_else(|| DatabaseError::corrupt("granted", "no row"))?;
        let (bucket, granted) = match CHARGED.read(&row, &full)? {
            Some(written) => (written, get::<i64>(&row, "granted")?),
            None => {
                let mut kept = KEPT.read(&row, &full)?.unwrap_or(full);
                kept.catch_up(&request.tier, request.now);
                (kept, 0)
            }
        };
        let budget = bucket.budget(request.now);
        if granted > 0 || request.permits == 0 {
            return Ok(Some(RateLimitDecision::Allowed(budget)));
        }
        let retry_after = bucket.wait_for(request.permits, request.now);
        Ok((!retry_after.is_zero()).then_some(RateLimitDecision::Limited { budget, retry_after }))
    }
}

#[async_trait]
impl RateLimiter for PgRateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        let decided = self.database.with_timeout(self.decide(&request)).await;
        decided.map_err(|error| error.of_port(PortName::RateLimiter))
    }
}
