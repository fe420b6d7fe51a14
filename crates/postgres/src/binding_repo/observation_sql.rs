//! The statements that store observations. Each reports the outcome of its own atomic step.

use tokio_postgres::types::Type;

use super::changes::{change_columns, change_json, snapshot, store_change};
use super::sql::{changes, counts, is_ending, is_final, is_unknown_end, set_if_counts};

/// The change of the row that a statement wrote as `i`.
macro_rules! changed_row {
    () => {
        concat!(
            "change AS (SELECT installation_id, organization, previous AS before, ",
            snapshot!("i"),
            " AS after, NULL::text AS actor FROM i WHERE previous IS NULL OR previous <> 'false'), "
        )
    };
}

/// Always updates the row, so that `RETURNING` reports the outcome under the row lock: a `WHERE` on the upsert would
/// return no row, and a second read could see a later commit.
pub(super) const PRESENT: &str = concat!(
    "WITH i AS (INSERT INTO {schema}.installations AS kept \
    (app, installation_id, account_id, account_login, account_kind, status, verified_at, observed_at, next_look_at, \
     generation) \
    VALUES ({app}, $1, $2, $3, $4, $5, $6, $6, $7, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET previous = CASE WHEN ",
    changes!(),
    " THEN ",
    snapshot!("kept"),
    " ELSE 'false' END, ",
    set_if_counts!(),
    " RETURNING *, CASE WHEN ",
    is_final!("kept"),
    " THEN 'gone' WHEN GREATEST(observed_at, verified_at) > $6 THEN 'outdated' \
     WHEN ending_since IS NOT NULL THEN 'ending' ELSE 'recorded' END AS observed), ",
    changed_row!(),
    store_change!("$8", "$6"),
    " SELECT observed, ",
    change_columns!(),
    " FROM i LEFT JOIN change ON true"
);

pub(super) const PRESENT_TYPES: &[Type] = &[
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TEXT,
];

/// GitHub does not show installation `$1`, asked at `$2`. `before` locks the row and reads its latest version; `step` is what the
/// 404 does to it, `verdict` the same under the bound on missing bindings. The bound is computed only if it matters, and
/// reads no more live bindings than it takes to decide; a missing binding is counted already. Returns no row if the installation is unknown.
///
/// Every column comes from `before`: the version that the update finds first may be older, and is checked against the
/// constraints nevertheless.
pub(super) const MISSING: &str = concat!(
    "WITH before AS ( \
     SELECT i.*, CASE WHEN ",
    is_final!("i"),
    " THEN 'gone' \
      WHEN GREATEST(i.observed_at, i.verified_at) > $2 THEN 'outdated' \
      WHEN ",
    is_ending!("i", "$2"),
    " THEN 'ending' \
      WHEN i.ending_since IS NOT NULL THEN 'absent' \
      WHEN i.status = 'uninstalled' THEN 'looked' \
      WHEN i.missing_since IS NULL THEN 'missing' \
      WHEN $2 < i.missing_last + interval '1 minute' THEN 'uncounted' \
      WHEN $2 < i.missing_since + interval '1 hour' THEN 'counted' \
      ELSE 'absent' END AS step \
     FROM {schema}.installations AS i WHERE i.app = {app} AND i.installation_id = $1 FOR UPDATE \
    ), not_shown AS ( \
     SELECT count(*) + CASE WHEN EXISTS (SELECT FROM before WHERE missing_since IS NOT NULL) THEN 0 ELSE 1 END AS number FROM {schema}.installations \
     WHERE app = {app} AND denied_number IS NOT NULL AND organization IS NOT NULL \
     AND (status <> 'uninstalled' OR verified_at > $2 - interval '7 days') \
    ), judged AS ( \
     SELECT before.*, CASE WHEN step NOT IN ('missing', 'absent') THEN step \
      WHEN (SELECT number FROM not_shown) <= 20 THEN step \
      WHEN (SELECT count(*) FROM (SELECT FROM {schema}.installations WHERE app = {app} AND organization IS NOT NULL \
       ORDER BY organization LIMIT 10 * (SELECT number FROM not_shown)) AS live) \
       < 10 * (SELECT number FROM not_shown) THEN 'held' \
      ELSE step END AS verdict FROM before \
    ), written AS ( \
     UPDATE {schema}.installations AS kept SET \
      observed_at = $2, \
      next_look_at = CASE verdict \
       WHEN 'ending' THEN judged.next_look_at \
       WHEN 'held' THEN $2 + interval '20 minutes' \
       WHEN 'missing' THEN $2 + interval '1 minute' \
       WHEN 'absent' THEN CASE WHEN $2 < judged.verified_at + interval '30 days' THEN $2 + interval '1 day' END \
       WHEN 'looked' THEN CASE WHEN $2 < judged.verified_at + interval '30 days' THEN $2 + interval '1 day' END \
       ELSE GREATEST( \
        CASE verdict WHEN 'counted' THEN $2 ELSE judged.missing_last END + interval '1 minute', \
        CASE WHEN $2 < judged.missing_since + interval '1 minute' THEN judged.missing_since + interval '1 minute' \
         WHEN $2 < judged.missing_since + interval '5 minutes' THEN judged.missing_since + interval '5 minutes' \
         WHEN $2 < judged.missing_since + interval '20 minutes' THEN judged.missing_since + interval '20 minutes' \
         WHEN $2 < judged.missing_since + interval '1 hour' THEN judged.missing_since + interval '1 hour' END) END, \
      status = CASE verdict WHEN 'absent' THEN 'uninstalled' ELSE judged.status END, \
      uninstalled_by = CASE verdict WHEN 'absent' THEN 'absence' ELSE judged.uninstalled_by END, \
      missing_since = CASE verdict WHEN 'missing' THEN $2 WHEN 'absent' THEN NULL ELSE judged.missing_since END, \
      missing_looks = CASE verdict WHEN 'missing' THEN 1 WHEN 'counted' THEN judged.missing_looks + 1 \
       WHEN 'absent' THEN NULL ELSE judged.missing_looks END, \
      missing_last = CASE verdict WHEN 'missing' THEN $2 WHEN 'counted' THEN $2 WHEN 'absent' THEN NULL \
       ELSE judged.missing_last END, \
      ending_since = CASE verdict WHEN 'absent' THEN NULL ELSE judged.ending_since END, \
      denied_number = CASE WHEN verdict IN ('missing', 'absent') THEN COALESCE(judged.denied_number, \
       (SELECT COALESCE(max(denied_number), 0) + 1 FROM {schema}.installations \
        WHERE app = {app} AND denied_number IS NOT NULL)) \
       ELSE judged.denied_number END, \
      generation = judged.generation + CASE WHEN verdict IN ('missing', 'absent') THEN 1 ELSE 0 END \
     FROM judged WHERE kept.app = judged.app AND kept.installation_id = judged.installation_id AND verdict NOT IN ('gone', 'outdated') \
     RETURNING kept.* \
    ), change AS (SELECT judged.installation_id, judged.organization, ",
    snapshot!("judged"),
    " AS before, ",
    snapshot!("written"),
    " AS after, NULL::text AS actor FROM judged CROSS JOIN written WHERE verdict IN ('missing', 'absent')), ",
    store_change!("$3", "$2"),
    " SELECT CASE WHEN verdict IN ('looked', 'uncounted', 'counted') THEN 'recorded' ELSE verdict END AS observed, ",
    change_columns!(),
    " FROM judged LEFT JOIN change ON true"
);

/// Returns no row if the installation is unknown. The change has no event.
pub(super) const ENDING: &str = concat!(
    "WITH before AS ( \
     SELECT i.*, ",
    is_final!("i"),
    " AS ended FROM {schema}.installations AS i WHERE i.app = {app} AND i.installation_id = $1 FOR UPDATE \
    ), written AS ( \
     UPDATE {schema}.installations AS kept SET \
      ending_since = $2, \
      observed_at = GREATEST(kept.observed_at, kept.verified_at, $2), \
      next_look_at = $2 + interval '15 minutes', \
      missing_since = NULL, missing_looks = NULL, missing_last = NULL, denied_number = NULL, uninstalled_by = NULL, \
      generation = kept.generation + CASE WHEN kept.ending_since IS NULL THEN 1 ELSE 0 END \
     FROM before WHERE kept.app = before.app AND kept.installation_id = before.installation_id AND NOT ended \
     RETURNING kept.* \
    ), change AS (SELECT before.installation_id, ",
    snapshot!("before"),
    " AS before, ",
    snapshot!("written"),
    " AS after, NULL::text AS actor FROM before CROSS JOIN written WHERE before.generation <> written.generation) \
    SELECT CASE WHEN ended THEN 'gone' ELSE 'recorded' END AS observed, ",
    change_columns!(),
    " FROM before LEFT JOIN change ON true"
);

/// The signed or confirmed end, by `$3`. A deletion takes precedence as the source.
pub(super) const ENDED: &str = concat!(
    "WITH i AS (INSERT INTO {schema}.installations AS kept \
    (app, installation_id, status, verified_at, observed_at, next_look_at, uninstalled_by, generation) \
    VALUES ({app}, $1, 'uninstalled', $2, $2, NULL, $3, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET \
     previous = CASE WHEN ",
    is_final!("kept"),
    " THEN 'false' ELSE ",
    snapshot!("kept"),
    " END, \
     status = 'uninstalled', \
     uninstalled_by = CASE WHEN excluded.uninstalled_by = 'deletion' OR NOT ",
    is_final!("kept"),
    " THEN excluded.uninstalled_by ELSE kept.uninstalled_by END, \
     generation = kept.generation + CASE WHEN ",
    is_final!("kept"),
    " THEN 0 ELSE 1 END, \
     observed_at = GREATEST(excluded.observed_at, kept.observed_at, kept.verified_at), next_look_at = NULL, \
     missing_since = NULL, missing_looks = NULL, missing_last = NULL, denied_number = NULL, ending_since = NULL \
    RETURNING *), ",
    changed_row!(),
    store_change!("$4", "$2"),
    " SELECT 'recorded' AS observed, ",
    change_columns!(),
    " FROM i LEFT JOIN change ON true"
);

/// Returns no row if the installation is unknown. Updates an uninstalled one unchanged, for the reason given at
/// [`PRESENT`].
pub(super) const PERMISSIONS_CHANGED: &str = concat!(
    "WITH i AS (UPDATE {schema}.installations AS kept SET \
     previous = CASE WHEN kept.status = 'uninstalled' AND kept.ending_since IS NULL THEN 'false' ELSE ",
    snapshot!("kept"),
    " END, \
     generation = kept.generation + CASE WHEN kept.status = 'uninstalled' AND kept.ending_since IS NULL \
      THEN 0 ELSE 1 END \
    WHERE app = {app} AND installation_id = $1 \
    RETURNING *, CASE WHEN status = 'uninstalled' AND ending_since IS NULL THEN 'gone' ELSE 'recorded' END AS observed), ",
    changed_row!(),
    store_change!("$3", "$2"),
    " SELECT observed, ",
    change_columns!(),
    " FROM i LEFT JOIN change ON true"
);
