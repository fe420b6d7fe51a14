//! The table `budgets`: how statements charge it, and how its rows are read.

mod rate_limiter;
pub(crate) mod sql;

use dockline::rules::bucket::{Bucket, in_utc};
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;

use crate::decode::{get, parse};
use crate::error::DatabaseError;

pub use rate_limiter::PgRateLimiter;

/// The units of a stored level are microseconds of refill; those of a [`Bucket`] are nanoseconds.
const NANOSECONDS: u128 = 1_000;

/// Returns the time in microseconds since 1970, rounded down.
pub(crate) fn microseconds(time: OffsetDateTime) -> i64 {
    let microseconds = in_utc(time).unix_timestamp_nanos().div_euclid(1_000);
    // All times of the library fit.
    i64::try_from(microseconds).unwrap_or(i64::MAX)
}

/// The names of the columns of a bucket.
pub(crate) struct Columns {
    level: &'static str,
    used_today: &'static str,
    counted_to: &'static str,
    lag: &'static str,
}

/// The row as it was before the statement.
pub(crate) const KEPT: Columns = Columns {
    level: "kept_level",
    used_today: "kept_used_today",
    counted_to: "kept_counted_to",
    lag: "kept_lag",
};

/// The row as the statement charged it.
pub(crate) const CHARGED: Columns = Columns {
    level: "charged_level",
    used_today: "charged_used_today",
    counted_to: "charged_counted_to",
    lag: "charged_lag",
};

impl Columns {
    /// Reads a bucket with the class and limits of `full`; `None` if there is no row.
    pub(crate) fn read(&self, row: &Row, full: &Bucket) -> Result<Option<Bucket>, DatabaseError> {
        let Some(level) = get::<Option<i64>>(row, self.level)? else { return Ok(None) };
        let level = u128::try_from(level).map_err(|error| DatabaseError::corrupt(self.level, error))?;
        let counted_to: i64 = get(row, self.counted_to)?;
        Ok(Some(Bucket {
            level: level * NANOSECONDS,
            used_today: parse(row, self.used_today, |number: i64| u32::try_from(number))?,
            at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(counted_to) * 1_000)
                .map_err(|error| DatabaseError::corrupt(self.counted_to, error))?,
            lag: Duration::microseconds(get(row, self.lag)?),
            ..full.clone()
        }))
    }
}
