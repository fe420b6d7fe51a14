use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::rules::bucket::{Bucket, PERMIT, capacity, in_utc};
use dockline::{PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::{Database, Statement};
use crate::decode::{get, parse};
use crate::error::DatabaseError;

/// `$3` permits per minute, `$4` the daily cap, `$5` the requested permits, `$6` the time, `$7` its day, `$8` the units
/// of a full bucket, `$9` the units of the requested permits.
///
/// `read`: how far the clock is behind the row. `mapped`: what is added to the clock's time, see `Bucket::lag`. `clock`: the
/// time and day by which the row counts. `caught`: the row after the refill up to then by the current tier. Then the row is
/// charged if all requested permits are available.
macro_rules! decide {
    () => {
        "(per_minute, level, used_today, counted_to, counted_day, lag, allowed) = (SELECT $3, \
         CASE WHEN allowed THEN caught.level - $9::numeric ELSE caught.level END, \
         CASE WHEN allowed AND $4 IS NOT NULL THEN caught.used_today + $5 ELSE caught.used_today END, \
         caught.counted_to, caught.counted_day, caught.lag, allowed \
         FROM (SELECT \
          CASE WHEN now >= kept.counted_to \
           THEN LEAST(kept.level + (now - kept.counted_to) * $3, $8::numeric) \
           ELSE LEAST(kept.level, $8::numeric) END AS level, \
          CASE WHEN now >= kept.counted_to AND today > kept.counted_day \
           THEN 0 ELSE kept.used_today END AS used_today, \
          CASE WHEN ahead AND now < kept.counted_to THEN kept.counted_to ELSE now END AS counted_to, \
          CASE WHEN ahead AND now < kept.counted_to THEN kept.counted_day ELSE today END AS counted_day, \
          lag \
          FROM (SELECT ahead, mapped.lag, \
            CASE WHEN lagging THEN $6::numeric + mapped.lag ELSE $6::numeric END AS now, \
            CASE WHEN lagging THEN floor(($6::numeric + mapped.lag) / 86400000000000)::bigint + 2440588 \
             ELSE $7 END AS today \
           FROM (SELECT ahead, lagging, \
             CASE WHEN lagging AND behind - kept.lag > 600000000000 THEN behind \
              WHEN behind > 3600000000000 THEN 0 ELSE kept.lag END AS lag \
            FROM (SELECT behind, behind BETWEEN 1 AND 3600000000000 AS ahead, \
              behind BETWEEN 600000000001 AND 3600000000000 AS lagging \
             FROM (SELECT kept.counted_to - $6::numeric AS behind) AS read) AS regimes) AS mapped) AS clock \
         ) AS caught, LATERAL (SELECT $5 = 0 OR ($5 <= $3 AND caught.level >= $9::numeric \
          AND ($4 IS NULL OR $5 <= $4 - caught.used_today)) AS allowed) AS decision)"
    };
}

macro_rules! returning {
    () => {
        " RETURNING level::text AS level, used_today, counted_to::text AS counted_to, lag::text AS lag, allowed"
    };
}

/// For permits that a full bucket can grant. Creates the row if it is missing.
const CHARGE: &str = concat!(
    "INSERT INTO {schema}.rate_buckets AS kept \
     (key_id, class, per_minute, level, used_today, counted_to, counted_day, allowed) \
     VALUES ($1, $2, $3, $8::numeric - $9::numeric, CASE WHEN $4 IS NULL THEN 0 ELSE $5 END, $6::numeric, $7, true) \
     ON CONFLICT ON CONSTRAINT rate_buckets_pkey DO UPDATE SET ",
    decide!(),
    returning!()
);

/// For zero permits, or more than a full bucket can grant. Does not create a row.
const PEEK: &str = concat!(
    "UPDATE {schema}.rate_buckets AS kept SET ",
    decide!(),
    " WHERE key_id = $1 AND class = $2",
    returning!()
);

const TYPES: &[Type] = &[
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
];

/// Rate limits in the table `rate_buckets`. Exact across nodes: levels are integers, and each decision is one statement
/// that locks its row.
///
/// A clock that goes back refills nothing. If it is up to ten minutes behind, refilling resumes when it catches up; up to an
/// hour, its own progress refills; if it is further behind, counting restarts at the clock's time with the remaining level. More permits than a full bucket
/// holds are never granted: `retry_after` is a hundred years.
#[derive(Debug, Clone)]
pub struct PgRateLimiter {
    database: Database,
    charge: Statement,
    peek: Statement,
}

impl PgRateLimiter {
    /// Uses the buckets in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            charge: database.statement(CHARGE, TYPES),
            peek: database.statement(PEEK, TYPES),
            database: database.clone(),
        }
    }

    async fn decide(&self, request: &RateLimitRequest) -> Result<RateLimitDecision, DatabaseError> {
        let full = Bucket::full(request.class, &request.tier, request.now);
        let (now, cost) = (in_utc(request.now), u128::from(request.permits) * PERMIT);
        let wait_if_full = full.wait_for(request.permits, request.now);
        let creates_row = request.permits > 0 && wait_if_full.is_zero();
        let row = self
            .database
            .row(
                if creates_row { &self.charge } else { &self.peek },
                &[
                    &request.key.as_str(),
                    &request.class.as_str(),
                    &i64::from(full.limit),
                    &full.daily.map(i64::from),
                    &i64::from(request.permits),
                    &now.unix_timestamp_nanos().to_string(),
                    &i64::from(now.to_julian_day()),
                    &capacity(full.limit).to_string(),
                    &cost.to_string(),
                ],
            )
            .await?;
        let (bucket, allowed) = match row {
            Some(row) => stored_bucket(&row, full)?,
            None => (full, wait_if_full.is_zero()),
        };
        let budget = bucket.budget(request.now);
        Ok(if allowed {
            RateLimitDecision::Allowed(budget)
        } else {
            RateLimitDecision::Limited { budget, retry_after: bucket.wait_for(request.permits, request.now) }
        })
    }
}

fn stored_bucket(row: &Row, full: Bucket) -> Result<(Bucket, bool), DatabaseError> {
    let at: i128 = parse(row, "counted_to", |text: &str| text.parse::<i128>())?;
    let bucket = Bucket {
        level: parse(row, "level", |text: &str| text.parse::<u128>())?,
        used_today: parse(row, "used_today", |number: i64| u32::try_from(number))?,
        at: OffsetDateTime::from_unix_timestamp_nanos(at)
            .map_err(|error| DatabaseError::corrupt("counted_to", error))?,
        lag: time::Duration::nanoseconds(parse(row, "lag", |text: &str| text.parse::<i64>())?),
        ..full
    };
    Ok((bucket, get(row, "allowed")?))
}

#[async_trait]
impl RateLimiter for PgRateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        self.decide(&request).await.map_err(|error| error.of_port(PortName::RateLimiter))
    }
}
