//! The statements. `i` is an installation's row and `b` that of the binding to it.

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

/// What a kept row learns from newer facts, in an upsert's SET: all of it or nothing. The generation is raised by a
/// change.
macro_rules! learn {
    () => {
        concat!(
            learn!(account_id),
            learn!(account_login),
            learn!(account_kind),
            learn!(status),
            learn!(verified_at),
            "generation = kept.generation + CASE WHEN ",
            newer!(),
            " AND (excluded.status, excluded.account_id, excluded.account_login, excluded.account_kind) \
              IS DISTINCT FROM (kept.status, kept.account_id, kept.account_login, kept.account_kind) \
             THEN 1 ELSE 0 END"
        )
    };
    ($column:ident) => {
        concat!(
            stringify!($column),
            " = CASE WHEN ",
            newer!(),
            " THEN excluded.",
            stringify!($column),
            " ELSE kept.",
            stringify!($column),
            " END, "
        )
    };
}

/// Whether facts count against what is kept.
macro_rules! newer {
    () => {
        "kept.status <> 'uninstalled' AND excluded.verified_at >= kept.verified_at"
    };
}

pub(super) const FIND: &str =
    concat!("SELECT ", binding_columns!(), " FROM ", live_binding!(), " WHERE i.organization = $1");

pub(super) const FIND_BY_INSTALLATION: &str =
    concat!("SELECT ", binding_columns!(), " FROM ", live_binding!(), " WHERE i.installation_id = $1");

/// Takes the installation's row, where it is free, and writes the binding's *from that result*: both or neither
/// (`design.md` §2). What stands in the way gives no row, or violates a constraint: whatever it was is read afterwards,
/// by [`CLASSIFY`], since this statement's snapshot may be older than the rival's commit.
///
/// Facts that are older than those kept change nothing.
pub(super) const INSERT: &str = concat!(
    "WITH i AS ( \
     INSERT INTO {schema}.installations AS kept \
     (installation_id, organization, account_id, account_login, account_kind, status, verified_at, generation) \
     VALUES ($2, $1, $3, $4, $5, $6, $7, 1) \
     ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET organization = excluded.organization, ",
    learn!(),
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

/// What stands in the way of organization `$1`, installation `$2`, state `$3`: all of one snapshot, always one row.
/// The organization's own binding comes as its columns.
pub(super) const CLASSIFY: &str = concat!(
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

pub(super) const KNOWN: &str = "SELECT organization, account_id, account_login, account_kind, status, verified_at, \
    generation FROM {schema}.installations WHERE installation_id = $1";

/// The kept row is written in any case, as it was where the facts do not count: the answer is then read off the row as
/// this statement left it, under its lock, and not off a snapshot that a rival's commit may have left behind. No facts
/// make a row uninstalled here, so one that is was so before.
pub(super) const PRESENT: &str = concat!(
    "INSERT INTO {schema}.installations AS kept \
    (installation_id, account_id, account_login, account_kind, status, verified_at, generation) \
    VALUES ($1, $2, $3, $4, $5, $6, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET ",
    learn!(),
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

/// No row where nothing is known. An uninstalled one is written as it was, for the same reason as in [`PRESENT`].
pub(super) const REGRANTED: &str = "UPDATE {schema}.installations AS kept SET \
     generation = kept.generation + CASE WHEN kept.status = 'uninstalled' THEN 0 ELSE 1 END \
    WHERE installation_id = $1 \
    RETURNING CASE WHEN status = 'uninstalled' THEN 'gone' ELSE 'recorded' END AS observed";

/// The first one stands.
pub(super) const NOTE_INSTALLER: &str = "INSERT INTO {schema}.installers (installation_id, installer, noted_at) \
    VALUES ($1, $2, $3) ON CONFLICT ON CONSTRAINT installers_pkey DO NOTHING";

pub(super) const INSTALLER: &str = "SELECT installer FROM {schema}.installers WHERE installation_id = $1";

/// From the beginning where there is no cursor: 0 is below every installation's number.
pub(super) const UNVERIFIED_SINCE: &str = "SELECT verified_at, installation_id FROM {schema}.installations \
    WHERE organization IS NOT NULL AND status <> 'uninstalled' AND verified_at < $1 \
    AND (verified_at, installation_id) > (COALESCE($2, '-infinity'), COALESCE($3, 0)) \
    ORDER BY verified_at, installation_id LIMIT $4";

pub(super) const UNVERIFIED_SINCE_TYPES: &[Type] =
    &[Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::INT8, Type::INT8];

/// The installation's row is locked as it is read, so that the answer is what the release ended. It is freed only
/// with the history row that was seen live: one that a rival wrote since the snapshot is another binding.
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
