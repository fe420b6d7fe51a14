//! The parts of statements that charge budgets.
//!
//! A statement provides the row set `wanted`: the budgets to charge, each once, with `key`, `class`, `permits`, `least`,
//! `at` (microseconds since 1970), `per_minute` and `per_day` (null without a cap). As many permits are charged as the
//! budget has, if it has at least `least`; otherwise the row is neither locked nor written, unless it is corrected
//! (`Bucket::was_corrected`).

/// The level of the row `kept` of `budgets` for the row `w` of `wanted`: `now`, `level`, `used_today`, `counted_to` and `lag`
/// as `Bucket::catch_up` computes them, and `granted`.
///
/// More than a minute's refill fills every budget, so the product stays small. Days are counted from before the year −9999, so
/// that division rounds down.
macro_rules! caught_up {
    () => {
        "CROSS JOIN LATERAL (SELECT kept.counted_to - w.at AS behind) AS clock \
         CROSS JOIN LATERAL (SELECT behind BETWEEN 600000001 AND 3600000000 AS lagging) AS regime \
         CROSS JOIN LATERAL (SELECT CASE WHEN lagging AND behind - kept.lag > 600000000 THEN behind \
           WHEN behind > 3600000000 THEN 0 ELSE kept.lag END AS lag) AS mapped \
         CROSS JOIN LATERAL (SELECT CASE WHEN lagging THEN w.at + mapped.lag ELSE w.at END AS now) AS read \
         CROSS JOIN LATERAL (SELECT \
           LEAST(kept.level + LEAST(GREATEST(now - kept.counted_to, 0), 60000000) * w.per_minute, \
            w.per_minute * 60000000) AS level, \
           CASE WHEN now >= kept.counted_to AND (now + 432000000000000000) / 86400000000 \
             > (kept.counted_to + 432000000000000000) / 86400000000 THEN 0 ELSE kept.used_today END AS used_today, \
           CASE WHEN behind BETWEEN 1 AND 3600000000 AND now < kept.counted_to THEN kept.counted_to ELSE now END \
            AS counted_to) AS caught \
         CROSS JOIN LATERAL (SELECT LEAST(w.permits, caught.level / 60000000, w.per_day - caught.used_today) AS fitting) \
          AS available \
         CROSS JOIN LATERAL (SELECT CASE WHEN fitting >= w.least THEN fitting ELSE 0 END AS granted) AS decision"
    };
}

/// The row sets `quick`, and `charges` with the written rows and what was granted.
///
/// - `quick` makes the commit asynchronous: a crash of the server gives back what was charged in its last moment. The final
///   select must name it. A statement that writes anything else must not.
/// - Rows are locked in the order of their keys. `$skip` is `SKIP LOCKED`, or nothing to wait for them.
/// - A row that is missing equals a full one. If another transaction is about to insert it, it is not charged.
macro_rules! charges {
    ($skip:literal) => {
        concat!(
            "quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), \
             held AS (SELECT kept.key, kept.class, w.per_minute, caught.level - granted * 60000000 AS level, \
              caught.used_today + CASE WHEN w.per_day IS NULL THEN 0 ELSE granted END AS used_today, \
              caught.counted_to, mapped.lag, granted \
              FROM wanted AS w JOIN {schema}.budgets AS kept ON kept.key = w.key AND kept.class = w.class ",
            crate::budget::sql::caught_up!(),
            " WHERE granted > 0 OR behind > 3600000000 OR mapped.lag <> kept.lag \
               OR kept.level > w.per_minute * 60000000 ORDER BY kept.key, kept.class FOR NO KEY UPDATE OF kept ",
            $skip,
            "), updated AS (UPDATE {schema}.budgets AS b SET per_minute = held.per_minute, level = held.level, \
              used_today = held.used_today, counted_to = held.counted_to, lag = held.lag \
              FROM held WHERE b.key = held.key AND b.class = held.class \
              RETURNING b.key, b.class, b.level, b.used_today, b.counted_to, b.lag, held.granted), \
             inserted AS (INSERT INTO {schema}.budgets AS b \
              (key, class, per_minute, level, used_today, counted_to, lag) \
              SELECT w.key, w.class, w.per_minute, (w.per_minute - granted) * 60000000, \
               CASE WHEN w.per_day IS NULL THEN 0 ELSE granted END, w.at, 0 FROM wanted AS w \
               CROSS JOIN LATERAL (SELECT LEAST(w.permits, w.per_minute, w.per_day) AS granted) AS decision \
               WHERE granted > 0 AND granted >= w.least AND NOT EXISTS (SELECT FROM {schema}.budgets AS kept \
                WHERE kept.key = w.key AND kept.class = w.class) ORDER BY w.key, w.class \
              ON CONFLICT ON CONSTRAINT budgets_pkey DO NOTHING \
              RETURNING b.key, b.class, b.level, b.used_today, b.counted_to, b.lag, \
               b.per_minute - b.level / 60000000 AS granted), \
             charges AS (SELECT * FROM updated UNION ALL SELECT * FROM inserted)"
        )
    };
}

/// The columns that [`super::KEPT`] and [`super::CHARGED`] read, and what was granted.
macro_rules! level_columns {
    () => {
        "kept.level AS kept_level, kept.used_today AS kept_used_today, kept.counted_to AS kept_counted_to, \
         kept.lag AS kept_lag, charges.level AS charged_level, charges.used_today AS charged_used_today, \
         charges.counted_to AS charged_counted_to, charges.lag AS charged_lag, charges.granted"
    };
}

pub(crate) use {caught_up, charges, level_columns};
