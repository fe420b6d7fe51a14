use crate::batch::planned_once;
use crate::binding_repo::sql::{BINDING_COLUMNS, LIVE_BINDING};
use crate::budget::sql::{charged_columns, charges};

/// The keys to charge, `wanted`, out of what was asked: `$1` key ids, `$2` hashes of secrets, `$3` environments, `$4` needed
/// scopes (null: none), `$5` classes, `$6` permits (0: only read), `$7` times, `$8` the same in microseconds since 1970.
///
/// `asked` has the key's columns, and those of its budget before the charge, only if the key is valid. `LIMIT 1` makes the
/// planner look up each row by its index: without it, a plan for any number of calls reads whole tables of some thousand rows.
///
/// Each key and class occurs once in `wanted`, so that it is charged by one update, for all calls together.
macro_rules! wanted {
    () => {
        concat!(
            "WITH asked AS MATERIALIZED (SELECT a.n, a.key AS asked_key, a.hash AS asked_hash, a.class, a.permits, a.at, \
            k.id, k.environment, k.secret_hash, k.organization AS key_organization, k.organization_name, k.scopes, k.tier, \
            k.reads_per_minute, k.writes_per_minute, k.writes_per_day, k.allowed_return_domains, k.revoked_at, k.expires_at, \
            a.scope IS NULL OR a.scope = ANY (k.scopes) OR '*' = ANY (k.scopes) AS in_scope, \
            kept.level AS kept_level, kept.used_today AS kept_used_today, kept.counted_to AS kept_counted_to, \
            kept.lag AS kept_lag \
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY \
             AS a (key, hash, environment, scope, class, permits, now, at, n) \
            LEFT JOIN LATERAL (SELECT * FROM {schema}.api_keys AS k \
             WHERE k.id = a.key AND k.secret_hash = a.hash AND k.environment = a.environment \
              AND (k.revoked_at IS NULL OR a.now < k.revoked_at) AND (k.expires_at IS NULL OR a.now < k.expires_at) \
             LIMIT 1) AS k ON true \
            LEFT JOIN LATERAL (SELECT * FROM {schema}.budgets AS kept WHERE kept.key = k.id AND kept.class = a.class \
             LIMIT 1) AS kept ON true WHERE ",
            planned_once!("a.n"),
            "), wanted AS MATERIALIZED (SELECT id AS key, class, sum(permits)::bigint AS permits, 1::bigint AS least, \
            max(at) AS at, \
            min(CASE WHEN class = 'read-light' THEN reads_per_minute ELSE writes_per_minute END) AS per_minute, \
            min(CASE WHEN class = 'read-light' THEN NULL ELSE writes_per_day END) AS per_day, \
            bool_and(kept_level IS NULL) AS is_missing, min(kept_level) AS kept_level, \
            min(kept_used_today) AS kept_used_today, min(kept_counted_to) AS kept_counted_to, min(kept_lag) AS kept_lag \
            FROM asked WHERE id IS NOT NULL AND in_scope AND permits > 0 GROUP BY id, class), "
        )
    };
}

/// Does not wait for rows that other transactions have locked.
pub(super) const SKIPPING: &str = concat!(wanted!(), charges!("SKIP LOCKED"));

/// Waits for locked rows.
pub(super) const WAITING: &str = concat!(wanted!(), charges!(""));

/// Returns the whole statement, with one row per key that was asked for, in this order.
pub(super) fn admit(charging: &str) -> String {
    format!(
        "{charging} SELECT a.asked_key, a.asked_hash, a.id, a.environment, a.secret_hash, a.key_organization, \
          a.organization_name, a.scopes, a.tier, a.reads_per_minute, a.writes_per_minute, a.writes_per_day, \
          a.allowed_return_domains, a.revoked_at, a.expires_at, a.kept_level, a.kept_used_today, \
          a.kept_counted_to, a.kept_lag, {}, {BINDING_COLUMNS} \
         FROM quick CROSS JOIN asked AS a \
         LEFT JOIN charges ON charges.key = a.id AND charges.class = a.class \
         LEFT JOIN ({LIVE_BINDING}) ON i.app = {{app}} AND i.organization = a.key_organization AND a.permits > 0 \
         ORDER BY a.n",
        charged_columns!()
    )
}
