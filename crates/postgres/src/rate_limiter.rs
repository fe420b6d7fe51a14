use async_trait::async_trait;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::rules::bucket::{Bucket, PERMIT, capacity, in_utc};
use dockline::{PortError, PortName};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::column::{get, parse};
use crate::database::Database;
use crate::failure::Failure;
use crate::statement::Statement;

/// `$3` the limit of a minute, `$4` the cap of the day, `$5` the permits, `$6` the time, `$7` its day, `$8` the units
/// that the limit is worth and `$9` those that the permits are.
///
/// First counts up to now and takes the tier over, then charges if everything is there. A clock that is behind by up to
/// an hour is waited for; from one that is behind by more, counting goes on with what was left (I27).
macro_rules! question {
    () => {
        "(per_minute, level, used_today, counted_to, counted_day, allowed) = (SELECT $3, \
         CASE WHEN allowed THEN caught.level - $9::numeric ELSE caught.level END, \
         CASE WHEN allowed AND $4 IS NOT NULL THEN caught.used_today + $5 ELSE caught.used_today END, \
         caught.counted_to, caught.counted_day, allowed \
         FROM (SELECT \
          CASE WHEN $6::numeric >= kept.counted_to \
           THEN LEAST(kept.level + ($6::numeric - kept.counted_to) * $3, $8::numeric) \
           ELSE LEAST(kept.level, $8::numeric) END AS level, \
          CASE WHEN $6::numeric >= kept.counted_to AND $7 > kept.counted_day \
           THEN 0 ELSE kept.used_today END AS used_today, \
          CASE WHEN ahead THEN kept.counted_to ELSE $6::numeric END AS counted_to, \
          CASE WHEN ahead THEN kept.counted_day ELSE $7 END AS counted_day \
          FROM (SELECT kept.counted_to - $6::numeric BETWEEN 1 AND 3600000000000 AS ahead) AS clock \
         ) AS caught, LATERAL (SELECT $5 = 0 OR ($5 <= $3 AND caught.level >= $9::numeric \
          AND ($4 IS NULL OR $5 <= $4 - caught.used_today)) AS allowed) AS decision)"
    };
}

macro_rules! answer {
    () => {
        " RETURNING level::text AS level, used_today, counted_to::text AS counted_to, allowed"
    };
}

/// For permits that a full bucket has: there is a row afterwards.
const CHARGE: &str = concat!(
    "INSERT INTO {schema}.rate_buckets AS kept \
     (key_id, class, per_minute, level, used_today, counted_to, counted_day, allowed) \
     VALUES ($1, $2, $3, $8::numeric - $9::numeric, CASE WHEN $4 IS NULL THEN 0 ELSE $5 END, $6::numeric, $7, true) \
     ON CONFLICT ON CONSTRAINT rate_buckets_pkey DO UPDATE SET ",
    question!(),
    answer!()
);

/// For a look, or for more than there can ever be: a key without a row stays without one.
const LOOK: &str = concat!(
    "UPDATE {schema}.rate_buckets AS kept SET ",
    question!(),
    " WHERE key_id = $1 AND class = $2",
    answer!()
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

/// Budgets in the table `rate_buckets`: exact in integers, exact across nodes, since each question is one statement
/// that holds its row (I20).
///
/// A clock that goes back gives nothing back (I27). Up to an hour behind, the budget waits for the clock to come
/// round; further behind, it counts on from where the clock stands, with what was left. More permits than the whole
/// budget are never there: `retry_after` then is a hundred years.
#[derive(Debug, Clone)]
pub struct PgRateLimiter {
    database: Database,
    charge: Statement,
    look: Statement,
}

impl PgRateLimiter {
    /// The budgets of `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            charge: database.statement(CHARGE, TYPES),
            look: database.statement(LOOK, TYPES),
            database: database.clone(),
        }
    }

    async fn ask(&self, request: &RateLimitRequest) -> Result<RateLimitDecision, Failure> {
        let full = Bucket::full(request.class, &request.tier, request.now);
        let (now, cost) = (in_utc(request.now), u128::from(request.permits) * PERMIT);
        let from_full = full.wait_for(request.permits, request.now);
        let remembered = request.permits > 0 && from_full.is_zero();
        let row = self
            .database
            .row(
                if remembered { &self.charge } else { &self.look },
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
            Some(row) => counted(&row, full)?,
            None => (full, from_full.is_zero()),
        };
        let budget = bucket.budget(request.now);
        Ok(if allowed {
            RateLimitDecision::Allowed(budget)
        } else {
            RateLimitDecision::Limited { budget, retry_after: bucket.wait_for(request.permits, request.now) }
        })
    }
}

fn counted(row: &Row, full: Bucket) -> Result<(Bucket, bool), Failure> {
    let at: i128 = parse(row, "counted_to", |text: &str| text.parse::<i128>())?;
    let bucket = Bucket {
        level: parse(row, "level", |text: &str| text.parse::<u128>())?,
        used_today: parse(row, "used_today", |number: i64| u32::try_from(number))?,
        at: OffsetDateTime::from_unix_timestamp_nanos(at)
            .map_err(|error| Failure::corrupt("counted_to", error))?,
        ..full
    };
    Ok((bucket, get(row, "allowed")?))
}

#[async_trait]
impl RateLimiter for PgRateLimiter {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        self.ask(&request).await.map_err(|failure| failure.at(PortName::RateLimiter))
    }
}
