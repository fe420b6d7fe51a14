//! The statements. `i` is a row of `installations`, `b` the row of its binding.

use tokio_postgres::types::Type;

macro_rules! binding_columns {
    () => {
        "i.organization, i.installation_id, i.account_id, i.account_login, i.account_kind, i.status, i.verified_at, \
         i.generation, b.proof, b.proven_by, b.actor, b.registered_at"
    };
}

macro_rules! live_binding {
    () => {
        "{schema}.installations AS i JOIN {schema}.bindings AS b ON b.organization = i.organization \
         AND b.installation_id = i.installation_id AND b.released_at IS NULL"
    };
}

/// The SET list of an upsert: overwrites `kept` by `excluded` if `excluded` is not older and `kept` is not uninstalled,
/// and raises the generation if anything but the time changes.
macro_rules! set_if_newer {
    () => {
        concat!(
            set_if_newer!(account_id),
            set_if_newer!(account_login),
            set_if_newer!(account_kind),
            set_if_newer!(status),
            set_if_newer!(verified_at),
            "generation = kept.generation + CASE WHEN ",
            is_newer!(),
            " AND (excluded.status, excluded.account_id, excluded.account_login, excluded.account_kind) \
              IS DISTINCT FROM (kept.status, kept.account_id, kept.account_login, kept.account_kind) \
             THEN 1 ELSE 0 END"
        )
    };
    ($column:ident) => {
        concat!(
            stringify!($column),
            " = CASE WHEN ",
            is_newer!(),
            " THEN excluded.",
            stringify!($column),
            " ELSE kept.",
            stringify!($column),
            " END, "
        )
    };
}

macro_rules! is_newer {
    () => {
        "kept.status <> 'uninstalled' AND excluded.verified_at >= kept.verified_at"
    };
}

pub(super) const FIND: &str =
    concat!("SELECT ", binding_columns!(), " FROM ", live_binding!(), " WHERE i.organization = $1");

/// Claims the installation's row if it is unbound, and inserts the binding *from the claimed row*, so that both are
/// written or neither. If something prevents that, the statement returns no row or violates a constraint. The reason is
/// read afterwards by [`CONFLICT`], since this statement's snapshot may be older than the concurrent commit.
///
/// The stored account and status stay if they are newer than the new binding's.
pub(super) const INSERT: &str = concat!(
    "WITH i AS ( \
     INSERT INTO {schema}.installations AS kept \
     (installation_id, organization, account_id, account_login, account_kind, status, verified_at, generation) \
     VALUES ($2, $1, $3, $4, $5, $6, $7, 1) \
     ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET organization = excluded.organization, ",
    set_if_newer!(),
    " WHERE kept.organization IS NULL AND kept.status <> 'uninstalled' \
     RETURNING organization, installation_id, account_id, account_login, account_kind, status, verified_at, generation \
    ), b AS ( \
     INSERT INTO {schema}.bindings (organization, installation_id, spent, proof, proven_by, registered_at, actor) \
     SELECT organization, installation_id, $8, $9, $10, $11, $12 FROM i \
     RETURNING proof, proven_by, actor, registered_at \
    ) SELECT i.*, b.* FROM i CROSS JOIN b"
);

pub(super) const INSERT_TYPES: &[Type] = &[
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::BYTEA,
    Type::TEXT,
    Type::INT8,
    Type::TIMESTAMPTZ,
    Type::TEXT,
];

/// Why organization `$1` cannot bind installation `$2` with state `$3`. Always one row, from one snapshot. The binding
/// columns are those of the organization's own binding.
pub(super) const CONFLICT: &str = concat!(
    "SELECT ",
    binding_columns!(),
    ", COALESCE(wanted.organization <> $1, false) AS taken, \
     COALESCE(wanted.status = 'uninstalled', false) AS gone, \
     EXISTS (SELECT FROM {schema}.bindings WHERE organization = $1 AND spent = $3) AS spent \
     FROM (SELECT) AS always \
     LEFT JOIN (",
    live_binding!(),
    ") ON i.organization = $1 \
     LEFT JOIN {schema}.installations AS wanted ON wanted.installation_id = $2"
);

pub(super) const INSTALLATION: &str = "SELECT organization, account_id, account_login, account_kind, status, verified_at, \
    generation FROM {schema}.installations WHERE installation_id = $1";

/// Always updates the row, so that `RETURNING` reports the outcome under the row lock: a `WHERE` on the upsert would
/// return no row, and a second read could see a later commit. The status `uninstalled` never comes from this statement,
/// so a row that has it had it before.
pub(super) const PRESENT: &str = concat!(
    "INSERT INTO {schema}.installations AS kept \
    (installation_id, account_id, account_login, account_kind, status, verified_at, generation) \
    VALUES ($1, $2, $3, $4, $5, $6, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET ",
    set_if_newer!(),
    " RETURNING CASE WHEN status = 'uninstalled' THEN 'gone' WHEN verified_at > $6 THEN 'outdated' \
     ELSE 'recorded' END AS observed"
);

pub(super) const PRESENT_TYPES: &[Type] =
    &[Type::INT8, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ];

pub(super) const UNINSTALLED: &str = "INSERT INTO {schema}.installations AS kept \
    (installation_id, status, verified_at, generation) VALUES ($1, 'uninstalled', $2, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET \
     status = 'uninstalled', \
     generation = kept.generation + CASE WHEN kept.status = 'uninstalled' THEN 0 ELSE 1 END, \
     verified_at = GREATEST(excluded.verified_at, kept.verified_at)";

/// Returns no row if the installation is unknown. Updates an uninstalled one unchanged, for the reason given at
/// [`PRESENT`].
pub(super) const PERMISSIONS_CHANGED: &str = "UPDATE {schema}.installations AS kept SET \
     generation = kept.generation + CASE WHEN kept.status = 'uninstalled' THEN 0 ELSE 1 END \
    WHERE installation_id = $1 \
    RETURNING CASE WHEN status = 'uninstalled' THEN 'gone' ELSE 'recorded' END AS observed";

/// Keeps the first installer.
pub(super) const RECORD_INSTALLER: &str = "INSERT INTO {schema}.installers \
    (installation_id, installer, members_permission, noted_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT ON CONSTRAINT installers_pkey DO NOTHING";

pub(super) const INSTALLER: &str =
    "SELECT installer, members_permission FROM {schema}.installers WHERE installation_id = $1";

/// Starts at the beginning without a cursor: 0 is below every installation id.
pub(super) const STALE: &str = "SELECT verified_at, installation_id FROM {schema}.installations \
    WHERE organization IS NOT NULL AND status <> 'uninstalled' AND verified_at < $1 \
    AND (verified_at, installation_id) > (COALESCE($2, '-infinity'), COALESCE($3, 0)) \
    ORDER BY verified_at, installation_id LIMIT $4";

pub(super) const STALE_TYPES: &[Type] = &[Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::INT8, Type::INT8];

/// Locks the installation's row while reading it, so that it returns the binding as it was released. Unbinds the
/// installation only together with a history row that was live in the snapshot: a later one is another binding.
pub(super) const RELEASE: &str = concat!(
    "WITH i AS ( \
     SELECT organization, installation_id, account_id, account_login, account_kind, status, verified_at, generation \
     FROM {schema}.installations WHERE installation_id = $2 AND organization = $1 FOR UPDATE \
    ), b AS ( \
     UPDATE {schema}.bindings AS b SET released_at = $3 FROM i \
     WHERE b.organization = i.organization AND b.installation_id = i.installation_id AND b.released_at IS NULL \
     RETURNING b.installation_id, b.proof, b.proven_by, b.actor, b.registered_at \
    ), freed AS ( \
     UPDATE {schema}.installations AS freed SET \
      organization = NULL, generation = freed.generation + 1, released_at = $3 \
     FROM b WHERE freed.installation_id = b.installation_id \
    ) SELECT ",
    binding_columns!(),
    " FROM i JOIN b ON b.installation_id = i.installation_id"
);
