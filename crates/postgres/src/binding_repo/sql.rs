//! The statements. `i` is a row of `installations`, `b` the row of its binding, `change` at most one row with what changed.

use tokio_postgres::types::Type;

use super::changes::{change_json, snapshot, store_change};

macro_rules! life_columns {
    () => {
        "i.status, i.verified_at, GREATEST(i.observed_at, i.verified_at) AS observed_at, i.next_look_at, \
         i.missing_since, i.missing_looks, i.missing_last, i.ending_since, i.uninstalled_by, i.generation"
    };
}

/// The columns of a live binding, of `i` and `b`.
macro_rules! binding_columns {
    () => {
        concat!(
            "i.organization, i.installation_id, i.account_id, i.account_login, i.account_kind, ",
            life_columns!(),
            ", b.proof, b.proven_by, b.actor, b.registered_at"
        )
    };
}

macro_rules! live_binding {
    () => {
        "{schema}.installations AS i JOIN {schema}.bindings AS b ON b.app = i.app AND b.organization = i.organization \
         AND b.installation_id = i.installation_id AND b.released_at IS NULL"
    };
}

/// The columns, for statements with other conditions.
pub(crate) const BINDING_COLUMNS: &str = binding_columns!();

/// The tables of live bindings, for statements with other conditions.
pub(crate) const LIVE_BINDING: &str = live_binding!();

/// Whether an installation without an account was stored by an earlier version, as the end of an unknown one: an erasure of
/// the account names the source of the end.
macro_rules! is_unknown_end {
    ($row:literal) => {
        concat!("(", $row, ".account_id IS NULL AND ", $row, ".uninstalled_by IS NULL)")
    };
}

/// Whether the installation that a table alias names was uninstalled by deletion or by us.
macro_rules! is_final {
    ($row:literal) => {
        concat!("COALESCE(", $row, ".uninstalled_by IN ('deletion', 'us'), false)")
    };
}

/// Whether a 200 of this time does not count, since our request to uninstall is too recent.
macro_rules! is_ending {
    ($row:literal, $time:literal) => {
        concat!("COALESCE(", $row, ".ending_since + interval '15 minutes' > ", $time, ", false)")
    };
}

/// The SET list of an upsert: overwrites `kept` by `excluded` if the 200 counts, and raises the generation if anything but
/// the times changes.
macro_rules! set_if_counts {
    () => {
        concat!(
            set_if_counts!(account_id, "excluded.account_id"),
            set_if_counts!(account_login, "excluded.account_login"),
            set_if_counts!(account_kind, "excluded.account_kind"),
            set_if_counts!(status, "excluded.status"),
            set_if_counts!(verified_at, "excluded.verified_at"),
            set_if_counts!(observed_at, "GREATEST(excluded.observed_at, kept.observed_at)"),
            set_if_counts!(next_look_at, "excluded.next_look_at"),
            set_if_counts!(missing_since, "NULL"),
            set_if_counts!(missing_looks, "NULL"),
            set_if_counts!(missing_last, "NULL"),
            set_if_counts!(denied_number, "NULL"),
            set_if_counts!(ending_since, "NULL"),
            set_if_counts!(uninstalled_by, "NULL"),
            "generation = kept.generation + CASE WHEN ",
            changes!(),
            " THEN 1 ELSE 0 END"
        )
    };
    ($column:ident, $value:literal) => {
        concat!(
            stringify!($column),
            " = CASE WHEN ",
            counts!(),
            " THEN ",
            $value,
            " ELSE kept.",
            stringify!($column),
            " END, "
        )
    };
}

/// Whether the 200 counts and changes anything but times.
macro_rules! changes {
    () => {
        concat!(
            "(",
            counts!(),
            " AND ((excluded.status, excluded.account_id, excluded.account_login, excluded.account_kind) \
              IS DISTINCT FROM (kept.status, kept.account_id, kept.account_login, kept.account_kind) \
              OR kept.missing_since IS NOT NULL OR kept.ending_since IS NOT NULL))"
        )
    };
}

macro_rules! counts {
    () => {
        concat!(
            "NOT ",
            is_final!("kept"),
            " AND NOT ",
            is_ending!("kept", "excluded.verified_at"),
            " AND (excluded.verified_at >= GREATEST(kept.observed_at, kept.verified_at) OR ",
            is_unknown_end!("kept"),
            ")"
        )
    };
}

pub(super) use {
    binding_columns, changes, counts, is_ending, is_final, is_unknown_end, life_columns, set_if_counts,
};

pub(super) const FIND: &str = concat!(
    "SELECT ",
    binding_columns!(),
    " FROM ",
    live_binding!(),
    " WHERE i.app = {app} AND i.organization = $1"
);

/// Why organization `$1` cannot bind installation `$2`, as looked up at `$4`, with state `$3`. Always one row, from one snapshot. The binding
/// columns are those of the organization's own binding.
pub(super) const CONFLICT: &str = concat!(
    "SELECT ",
    binding_columns!(),
    ", COALESCE(wanted.organization <> $1, false) AS taken, \
     (",
    is_final!("wanted"),
    " OR ",
    is_ending!("wanted", "$4"),
    " OR (wanted.installation_id IS NOT NULL AND wanted.account_id IS NULL AND NOT ",
    is_unknown_end!("wanted"),
    " AND $4 < GREATEST(wanted.observed_at, wanted.verified_at))) AS gone, \
     EXISTS (SELECT FROM {schema}.bindings WHERE app = {app} AND organization = $1 AND spent = $3) AS spent \
     FROM (SELECT) AS always \
     LEFT JOIN (",
    live_binding!(),
    ") ON i.app = {app} AND i.organization = $1 \
     LEFT JOIN {schema}.installations AS wanted ON wanted.app = {app} AND wanted.installation_id = $2"
);

pub(super) const INSTALLATION: &str = concat!(
    "SELECT i.organization, i.account_id, i.account_login, i.account_kind, ",
    life_columns!(),
    " FROM {schema}.installations AS i WHERE i.app = {app} AND i.installation_id = $1"
);

/// Keeps the first installer.
pub(super) const RECORD_INSTALLER: &str = "INSERT INTO {schema}.installers \
    (app, installation_id, installer, members_permission, noted_at) \
    VALUES ({app}, $1, $2, $3, $4) ON CONFLICT ON CONSTRAINT installers_pkey DO NOTHING";

pub(super) const INSTALLER: &str = "SELECT installer, members_permission FROM {schema}.installers WHERE app = {app} AND installation_id = $1";

pub(super) const POSTPONE: &str = "UPDATE {schema}.installations SET next_look_at = GREATEST(next_look_at, $2) \
    WHERE app = {app} AND installation_id = $1 AND next_look_at IS NOT NULL";

/// Starts at the beginning without a cursor: 0 is below every installation id.
///
/// The second part finds looks that a wrong clock dated in the future: those that are furthest ahead, by an index of
/// `verified_at`, and by one of `observed_at` if it is not the same.
pub(super) const DUE: &str = "SELECT next_look_at, installation_id FROM ( \
     (SELECT next_look_at, installation_id FROM {schema}.installations \
      WHERE app = {app} AND organization IS NOT NULL AND next_look_at < $1 \
      AND (next_look_at, installation_id) > (COALESCE($2, '-infinity'), COALESCE($3, 0)) \
      ORDER BY next_look_at, installation_id LIMIT $4) \
     UNION ALL \
     (SELECT next_look_at, installation_id FROM ( \
       (SELECT next_look_at, installation_id FROM {schema}.installations \
        WHERE app = {app} AND organization IS NOT NULL AND status <> 'uninstalled' \
        AND verified_at > $1 + interval '1 minute' ORDER BY verified_at DESC LIMIT 1000) \
       UNION \
       (SELECT next_look_at, installation_id FROM {schema}.installations \
        WHERE app = {app} AND organization IS NOT NULL AND observed_at > verified_at \
        AND observed_at > $1 + interval '1 minute' ORDER BY observed_at DESC LIMIT 1000)) AS ahead \
      WHERE next_look_at >= $1 \
      AND (next_look_at, installation_id) > (COALESCE($2, '-infinity'), COALESCE($3, 0)) \
      ORDER BY next_look_at, installation_id LIMIT $4)) AS due LIMIT $4";

pub(super) const DUE_TYPES: &[Type] = &[Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::INT8, Type::INT8];

/// Reads the whole table over all batches, since it serves requests of an operator only.
pub(super) const OBSERVED_BEFORE: &str = concat!(
    "SELECT COALESCE(i.next_look_at, GREATEST(i.observed_at, i.verified_at)) AS next_look_at, i.installation_id \
    FROM {schema}.installations AS i \
    WHERE i.app = {app} AND i.organization IS NOT NULL AND GREATEST(i.observed_at, i.verified_at) < $1 AND NOT ",
    is_final!("i"),
    " AND i.installation_id > COALESCE($2, 0) ORDER BY i.installation_id LIMIT $3"
);

/// Locks the installation's row while reading it, so that it returns the binding as it was released. Unbinds the
/// installation only together with a history row that was live in the snapshot: a later one is another binding.
pub(super) const RELEASE: &str = concat!(
    "WITH i AS ( \
     SELECT app, organization, installation_id, account_id, account_login, account_kind, status, verified_at, \
      observed_at, next_look_at, missing_since, missing_looks, missing_last, ending_since, uninstalled_by, generation \
     FROM {schema}.installations WHERE app = {app} AND installation_id = $2 AND organization = $1 FOR UPDATE \
    ), b AS ( \
     UPDATE {schema}.bindings AS b SET released_at = $3, released_by = $5 FROM i \
     WHERE b.app = i.app AND b.organization = i.organization AND b.installation_id = i.installation_id \
      AND b.released_at IS NULL \
     RETURNING b.app, b.installation_id, b.proof, b.proven_by, b.actor, b.registered_at \
    ), freed AS ( \
     UPDATE {schema}.installations AS freed SET \
      organization = NULL, generation = freed.generation + 1, released_at = $3 \
     FROM b WHERE freed.app = b.app AND freed.installation_id = b.installation_id \
     RETURNING freed.* \
    ), change AS (SELECT i.installation_id, i.organization, ",
    snapshot!("i"),
    " AS before, ",
    snapshot!("freed"),
    " AS after, $5 AS actor FROM i CROSS JOIN freed), ",
    store_change!("$4", "$3"),
    " SELECT ",
    binding_columns!(),
    " FROM i JOIN b ON b.installation_id = i.installation_id"
);
