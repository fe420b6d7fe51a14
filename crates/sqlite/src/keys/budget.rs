use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::rules::bucket::Bucket;
use dockline::{PortError, PortName};
use rusqlite::{Connection, params};
use time::Duration;

use crate::database::SqliteDatabase;
use crate::decode::{column_time, execute, get, parse, row, small_number, stored_time, time};
use crate::error::SqliteError;

/// The units of a stored level are microseconds of refill; those of a [`Bucket`] are nanoseconds. Since all times are whole
/// microseconds, no level is rounded.
const NANOSECONDS: u128 = 1_000;

const FIND: &str = "SELECT level, used_today, counted_to, lag FROM budgets WHERE key = ?1 AND class = ?2";

const STORE: &str = "INSERT INTO budgets (key, class, per_minute, level, used_today, counted_to, lag) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key, class) DO UPDATE SET per_minute = excluded.per_minute, \
     level = excluded.level, used_today = excluded.used_today, counted_to = excluded.counted_to, lag = excluded.lag";

/// Rate limits in the table `budgets`. Exact under concurrent calls, of several processes, too: levels are integers, and each
/// decision is a transaction of the writer. A request that is not charged writes nothing, unless the clock went back by more
/// than ten minutes or the tier became smaller. Times are rounded down to microseconds.
///
/// A charge is written to disk within a second: a crash of the machine may give back the charges of its last second, a crash
/// of the process none.
///
/// A clock that goes back refills nothing. If it is up to ten minutes behind, refilling resumes when it catches up; up to an
/// hour, its own progress refills; if it is further behind, counting restarts at the clock's time with the remaining level.
/// More permits than a full bucket holds are never granted: `retry_after` is a hundred years.
#[derive(Debug, Clone)]
pub struct SqliteRateLimiter {
    database: SqliteDatabase,
}

impl SqliteRateLimiter {
    /// Uses the budgets in `database`.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self { database: database.clone() }
    }
}

/// Charges a budget within the transaction of `connection`.
pub(super) fn charge(
    connection: &Connection,
    request: &RateLimitRequest,
) -> Result<RateLimitDecision, SqliteError> {
    let now = stored_time(request.now);
    let full = Bucket::full(request.class, &request.tier, now);
    let (key, class) = (request.key.as_str(), request.class.as_str());
    let stored = row(connection, FIND, [key, class], |row| {
        Ok(Bucket {
            level: parse(row, "level", |level: i64| u128::try_from(level))? * NANOSECONDS,
            used_today: small_number(row, "used_today")?,
            at: time(row, "counted_to")?,
            lag: Duration::microseconds(get(row, "lag")?),
            ..full.clone()
        })
    })?;
    let mut bucket = stored.clone().unwrap_or(full);
    bucket.catch_up(&request.tier, now);
    let charged = bucket.charge(request.permits, now);
    let is_charged = request.permits > 0 && charged.is_ok();
    if is_charged || stored.is_some_and(|stored| bucket.was_corrected(&stored)) {
        let level = i64::try_from(bucket.level / NANOSECONDS);
        execute(
            connection,
            STORE,
            params![
                key,
                class,
                bucket.limit,
                level.map_err(|error| SqliteError::corrupt("level", error))?,
                bucket.used_today,
                column_time(bucket.at),
                i64::try_from(bucket.lag.whole_microseconds()).unwrap_or_default(),
            ],
        )?;
    }
    let budget = bucket.budget(now);
    Ok(match charged {
        Ok(()) => RateLimitDecision::Allowed(budget),
        Err(retry_after) => RateLimitDecision::Limited { budget, retry_after },
    })
}

#[async_trait]
impl RateLimiter for SqliteRateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        let decided = self.database.write_soon(move |connection| charge(connection, &request));
        decided.await.map_err(|error| error.of_port(PortName::RateLimiter))
    }
}
