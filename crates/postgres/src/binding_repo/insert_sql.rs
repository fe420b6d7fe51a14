//! The statement that inserts bindings.

use tokio_postgres::types::Type;

use super::changes::{change_json, snapshot, store_change};
use super::sql::{
    binding_columns, changes, counts, is_ending, is_final, is_unknown_end, life_columns, set_if_counts,
};
use crate::batch::planned_once;

/// Inserts the bindings of `$1` to `$15`, each about another organization and another installation. Returns a row for each
/// that was inserted.
///
/// Claims the installation's row if it is unbound, and inserts the binding *from the claimed row*, so that both are
/// written or neither. If something prevents that, a binding has no row in the answer, or the statement violates a constraint.
/// The reason is read afterwards by [`CONFLICT`](super::sql::CONFLICT), since this statement's snapshot may be older than the
/// concurrent commit.
///
/// - `asked` leaves out what its snapshot shows to be impossible, so that only concurrent transactions violate a
///   constraint. Its subqueries have a limit, since the planner would read the whole tables otherwise. With
///   `OFFSET 0` it expects them for one row, which [`planned_once`] needs.
/// - If `$16`, it fails if it waits for a lock for a tenth of a second.
/// - The stored account and status stay if they are newer than the new binding's. If the account was erased and
///   they are older than the last observation, there is no binding.
/// - A change is computed only if the App has an outbox.
/// - Facts that are too large are left out, since they must not prevent a binding. The text of a `jsonb` has less than twice
///   the length of the parameter.
pub(super) const INSERT: &str = concat!(
    "WITH patience AS MATERIALIZED (SELECT CASE WHEN $16 THEN set_config('lock_timeout', '100ms', true) END \
    ), asked AS MATERIALIZED ( \
     SELECT a.* FROM (SELECT a.* FROM patience CROSS JOIN \
      unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) WITH ORDINALITY \
      AS a (organization, installation_id, account_id, account_login, account_kind, status, verified_at, spent, proof, \
       proven_by, registered_at, actor, next_look_at, id, facts, n) \
      WHERE ",
    planned_once!("a.n"),
    " OFFSET 0) AS a \
     WHERE (SELECT true FROM {schema}.installations AS bound \
      WHERE bound.app = {app} AND bound.organization = a.organization LIMIT 1) IS NULL \
     AND (SELECT true FROM {schema}.bindings AS earlier \
      WHERE earlier.app = {app} AND earlier.organization = a.organization AND earlier.spent = a.spent LIMIT 1) IS NULL \
     ORDER BY a.installation_id \
    ), i AS ( \
     INSERT INTO {schema}.installations AS kept \
     (app, installation_id, organization, account_id, account_login, account_kind, status, verified_at, observed_at, \
      next_look_at, generation) \
     SELECT {app}, installation_id, organization, account_id, account_login, account_kind, status, verified_at, verified_at, \
      next_look_at, 1 FROM asked \
     ON CONFLICT ON CONSTRAINT installations_pkey DO UPDATE SET organization = excluded.organization, previous = ",
    snapshot!("kept"),
    ", ",
    set_if_counts!(),
    " WHERE kept.organization IS NULL AND NOT ",
    is_final!("kept"),
    " AND NOT ",
    is_ending!("kept", "excluded.verified_at"),
    " AND (kept.account_id IS NOT NULL OR excluded.verified_at >= GREATEST(kept.observed_at, kept.verified_at) OR ",
    is_unknown_end!("kept"),
    ") RETURNING organization, installation_id, account_id, account_login, account_kind, status, verified_at, observed_at, \
      next_look_at, missing_since, missing_looks, missing_last, ending_since, uninstalled_by, generation, previous \
    ), b AS ( \
     INSERT INTO {schema}.bindings (app, organization, installation_id, spent, proof, proven_by, registered_at, actor) \
     SELECT {app}, i.organization, i.installation_id, spent, proof, proven_by, registered_at, actor \
     FROM i JOIN asked ON asked.installation_id = i.installation_id \
     RETURNING installation_id, proof, proven_by, actor, registered_at \
    ), change AS ( \
     SELECT i.installation_id, i.organization, i.previous AS before, ",
    snapshot!("i"),
    " AS after, actor, id, registered_at FROM i JOIN asked ON asked.installation_id = i.installation_id \
     WHERE EXISTS (SELECT FROM {schema}.outbox_queues WHERE app = {app} AND organization = '')), ",
    store_change!("change.id", "change.registered_at"),
    ", facts AS (INSERT INTO {schema}.installation_facts AS kept (app, installation_id, facts, observed_at) \
      SELECT {app}, i.installation_id, facts::jsonb, asked.verified_at \
      FROM i JOIN asked ON asked.installation_id = i.installation_id \
      WHERE octet_length(facts) <= 16384 OR octet_length(facts::jsonb::text) <= 32768 \
      ON CONFLICT ON CONSTRAINT installation_facts_pkey DO UPDATE \
       SET facts = excluded.facts, observed_at = excluded.observed_at \
       WHERE kept.observed_at IS NULL OR excluded.observed_at >= kept.observed_at) \
     SELECT ",
    binding_columns!(),
    " FROM i JOIN b ON b.installation_id = i.installation_id"
);

pub(super) const INSERT_TYPES: &[Type] = &[
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::INT8_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::BYTEA_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::TEXT_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::BOOL,
];
