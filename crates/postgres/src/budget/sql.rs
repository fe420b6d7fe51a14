//! The parts of statements that charge budgets.
//!
//! A statement provides the row set `wanted`: the budgets to charge, each once, with `key`, `class`, `permits`, `least`,
//! `at` (microseconds since 1970), `per_minute`, `per_day` (null without a cap), `is_missing` (there is no row) and the row as
//! the statement sees it: `kept_level`, `kept_used_today`, `kept_counted_to`, `kept_lag`. As many permits are charged as the
//! budget has, if it has at least `least`; otherwise the row is neither locked nor written, unless it is corrected
//! (`Bucket::was_corrected`).

/// The level of a row `kept` with the columns of `wanted`, of which `counted_to` is `$counted_to`, and so on: `level` and
/// `used_today` at the time `$now`.
///
/// More than a minute's refill fills every budget, so the product stays small. Days are counted from before the year −9999, so
/// that division rounds down.
macro_rules! level_at {
    ($now:literal, $level:literal, $used_today:literal, $counted_to:literal) => {
        concat!(
            "LEAST(",
            $level,
            " + LEAST(GREATEST(",
            $now,
            " - ",
            $counted_to,
            ", 0), 60000000) * kept.per_minute, \
              kept.per_minute * 60000000) AS level, \
             CASE WHEN ",
            $now,
            " >= ",
            $counted_to,
            " AND (",
            $now,
            " + 432000000000000000) / 86400000000 \
              > (",
            $counted_to,
            " + 432000000000000000) / 86400000000 THEN 0 ELSE ",
            $used_today,
            " END AS used_today"
        )
    };
}

/// The level of the row `kept` of `held`: `now`, `level`, `used_today`, `counted_to` and `lag` as `Bucket::catch_up` computes
/// them, and `granted`.
///
/// `OFFSET 0` keeps the planner from copying each expression to every place that uses it, which would cost more than the rest
/// of the statement.
macro_rules! caught_up {
    () => {
        concat!(
            "CROSS JOIN LATERAL (SELECT kept.counted_to - kept.at AS behind OFFSET 0) AS clock \
             CROSS JOIN LATERAL (SELECT behind BETWEEN 600000001 AND 3600000000 AS lagging OFFSET 0) AS regime \
             CROSS JOIN LATERAL (SELECT CASE WHEN lagging AND behind - kept.lag > 600000000 THEN behind \
               WHEN behind > 3600000000 THEN 0 ELSE kept.lag END AS lag OFFSET 0) AS mapped \
             CROSS JOIN LATERAL (SELECT CASE WHEN lagging THEN kept.at + mapped.lag ELSE kept.at END AS now OFFSET 0) AS read \
             CROSS JOIN LATERAL (SELECT ",
            crate::budget::sql::level_at!("now", "kept.level", "kept.used_today", "kept.counted_to"),
            ", CASE WHEN behind BETWEEN 1 AND 3600000000 AND now < kept.counted_to THEN kept.counted_to ELSE now END \
                AS counted_to OFFSET 0) AS caught \
             CROSS JOIN LATERAL (SELECT \
               LEAST(kept.permits, caught.level / 60000000, kept.per_day - caught.used_today) AS fitting OFFSET 0) AS available \
             CROSS JOIN LATERAL (SELECT CASE WHEN fitting >= kept.least THEN fitting ELSE 0 END AS granted OFFSET 0) AS decision"
        )
    };
}

/// The row sets `quick`, and `charges` with the written rows and what was granted.
///
/// - `quick` makes the commit asynchronous: a crash of the server gives back what was charged in its last moment. The final
///   select must name it. A statement that writes anything else must not.
/// - `held` locks the rows that are probably charged, in the order of their keys. `$skip` is `SKIP LOCKED`, or nothing to wait
///   for them. Its condition is exact unless the clock is more than ten minutes behind.
/// - `charged` computes from the rows as they are once they are locked, which may be later ones than the statement saw. That is
///   why it is not part of `held`: there, a subquery would keep its result for the row before the lock.
/// - A row that is missing equals a full one. If another transaction is about to insert it, it is not charged.
macro_rules! charges {
    ($skip:literal) => {
        concat!(
            "quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), \
             held AS MATERIALIZED (SELECT seen.key, seen.class, seen.permits, seen.least, seen.at, seen.per_minute, \
              seen.per_day, b.level, b.used_today, b.counted_to, b.lag \
              FROM (SELECT kept.*, ",
            crate::budget::sql::level_at!("kept.at", "kept_level", "kept_used_today", "kept_counted_to"),
            " FROM wanted AS kept WHERE NOT is_missing OFFSET 0) AS seen \
              JOIN {schema}.budgets AS b ON b.key = seen.key AND b.class = seen.class \
              WHERE LEAST(seen.permits, seen.level / 60000000, seen.per_day - seen.used_today) >= GREATEST(seen.least, 1) \
               OR kept_level > seen.per_minute * 60000000 OR kept_counted_to - seen.at > 600000000 \
              ORDER BY b.key, b.class FOR NO KEY UPDATE OF b ",
            $skip,
            "), charged AS MATERIALIZED (SELECT kept.key, kept.class, kept.per_minute, \
              caught.level - granted * 60000000 AS level, \
              caught.used_today + CASE WHEN kept.per_day IS NULL THEN 0 ELSE granted END AS used_today, \
              caught.counted_to, mapped.lag, granted FROM held AS kept ",
            crate::budget::sql::caught_up!(),
            " WHERE granted > 0 OR behind > 3600000000 OR mapped.lag <> kept.lag \
               OR kept.level > kept.per_minute * 60000000), \
             updated AS (UPDATE {schema}.budgets AS b SET per_minute = charged.per_minute, level = charged.level, \
              used_today = charged.used_today, counted_to = charged.counted_to, lag = charged.lag \
              FROM charged WHERE b.key = charged.key AND b.class = charged.class \
              RETURNING b.key, b.class, b.level, b.used_today, b.counted_to, b.lag, charged.granted), \
             inserted AS (INSERT INTO {schema}.budgets AS b \
              (key, class, per_minute, level, used_today, counted_to, lag) \
              SELECT w.key, w.class, w.per_minute, (w.per_minute - granted) * 60000000, \
               CASE WHEN w.per_day IS NULL THEN 0 ELSE granted END, w.at, 0 FROM wanted AS w \
               CROSS JOIN LATERAL (SELECT LEAST(w.permits, w.per_minute, w.per_day) AS granted) AS decision \
               WHERE w.is_missing AND granted > 0 AND granted >= w.least ORDER BY w.key, w.class \
              ON CONFLICT ON CONSTRAINT budgets_pkey DO NOTHING \
              RETURNING b.key, b.class, b.level, b.used_today, b.counted_to, b.lag, \
               b.per_minute - b.level / 60000000 AS granted), \
             charges AS (SELECT * FROM updated UNION ALL SELECT * FROM inserted)"
        )
    };
}

/// The columns that [`super::CHARGED`] reads, and what was granted.
macro_rules! charged_columns {
    () => {
        "charges.level AS charged_level, charges.used_today AS charged_used_today, \
         charges.counted_to AS charged_counted_to, charges.lag AS charged_lag, charges.granted"
    };
}

pub(crate) use {caught_up, charged_columns, charges, level_at};
