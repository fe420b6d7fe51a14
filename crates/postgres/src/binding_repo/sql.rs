//! The statements. `i` is an installation's row and `b` that of the binding to it.

use tokio_postgres::types::Type;

macro_rules! binding_columns {
    () => {
        "i.organization, i.installation_id, i.account_id, i.account_login, i.account_kind, i.status, i.verified_at, \
         i.generation, b.proof, b.proven_by, b.registered_at"
    };
}

macro_rules! live_binding {
    () => {
        "{schema}.installations AS i JOIN {schema}.bindings AS b ON b.organization = i.organization \
         AND b.installation_id = i.installation_id AND b.released_at IS NULL"
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
pub(super) const INSERT: &str = "WITH i AS ( \
     INSERT INTO {schema}.installations AS kept \
     (installation_id, organization, account_id, account_login, account_kind, status, verified_at, generation) \
     VALUES ($2, $1, $3, $4, $5, $6, $7, 1) \
     ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET \
      organization = excluded.organization, \
      account_id = CASE WHEN excluded.verified_at >= kept.verified_at THEN excluded.account_id ELSE kept.account_id END, \
      account_login = CASE WHEN excluded.verified_at >= kept.verified_at \
       THEN excluded.account_login ELSE kept.account_login END, \
      account_kind = CASE WHEN excluded.verified_at >= kept.verified_at \
       THEN excluded.account_kind ELSE kept.account_kind END, \
      status = CASE WHEN excluded.verified_at >= kept.verified_at THEN excluded.status ELSE kept.status END, \
      generation = kept.generation + CASE WHEN excluded.verified_at >= kept.verified_at \
       AND (excluded.status, excluded.account_id, excluded.account_login, excluded.account_kind) \
        IS DISTINCT FROM (kept.status, kept.account_id, kept.account_login, kept.account_kind) THEN 1 ELSE 0 END, \
      verified_at = GREATEST(excluded.verified_at, kept.verified_at) \
     WHERE kept.organization IS NULL AND kept.status <> 'uninstalled' \
     RETURNING organization, installation_id, account_id, account_login, account_kind, status, verified_at, generation \
    ), b AS ( \
     INSERT INTO {schema}.bindings (organization, installation_id, spent, proof, proven_by, registered_at) \
     SELECT organization, installation_id, $8, $9, $10, $11 FROM i \
     RETURNING proof, proven_by, registered_at \
    ) SELECT i.*, b.* FROM i CROSS JOIN b";

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

/// A row without an account is of an installation that was first heard of by its end: nothing is learned of it.
pub(super) const PRESENT: &str = "INSERT INTO {schema}.installations AS kept \
    (installation_id, account_id, account_login, account_kind, status, verified_at, generation) \
    VALUES ($1, $2, $3, $4, $5, $6, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET \
     account_id = excluded.account_id, account_login = excluded.account_login, account_kind = excluded.account_kind, \
     status = CASE WHEN kept.status = 'uninstalled' THEN kept.status ELSE excluded.status END, \
     generation = kept.generation + CASE WHEN (kept.status NOT IN (excluded.status, 'uninstalled')) \
      OR (excluded.account_id, excluded.account_login, excluded.account_kind) \
       IS DISTINCT FROM (kept.account_id, kept.account_login, kept.account_kind) THEN 1 ELSE 0 END, \
     verified_at = excluded.verified_at \
    WHERE excluded.verified_at >= kept.verified_at AND kept.account_id IS NOT NULL";

pub(super) const PRESENT_TYPES: &[Type] =
    &[Type::INT8, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ];

pub(super) const UNINSTALLED: &str = "INSERT INTO {schema}.installations AS kept \
    (installation_id, status, verified_at, generation) VALUES ($1, 'uninstalled', $2, 1) \
    ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET \
     status = 'uninstalled', \
     generation = kept.generation + CASE WHEN kept.status = 'uninstalled' THEN 0 ELSE 1 END, \
     verified_at = GREATEST(excluded.verified_at, kept.verified_at)";

/// The installation's row is locked as it is read, so that the answer is what the release ended. It is freed only
/// with the history row that was seen live: one that a rival wrote since the snapshot is another binding.
pub(super) const RELEASE: &str = concat!(
    "WITH i AS ( \
     SELECT organization, installation_id, account_id, account_login, account_kind, status, verified_at, generation \
     FROM {schema}.installations WHERE installation_id = $2 AND organization = $1 FOR UPDATE \
    ), b AS ( \
     UPDATE {schema}.bindings AS b SET released_at = $3 FROM i \
     WHERE b.organization = i.organization AND b.installation_id = i.installation_id AND b.released_at IS NULL \
     RETURNING b.installation_id, b.proof, b.proven_by, b.registered_at \
    ), freed AS ( \
     UPDATE {schema}.installations AS freed SET \
      organization = NULL, generation = freed.generation + 1, released_at = $3 \
     FROM b WHERE freed.installation_id = b.installation_id \
    ) SELECT ",
    binding_columns!(),
    " FROM i JOIN b ON b.installation_id = i.installation_id"
);
