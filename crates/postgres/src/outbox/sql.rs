//! The statements. `q` is a row of `outbox_queues`, `e` one of `outbox_entries`. Every statement that changes an entry locks
//! the row of its queue first, so that none waits for another in a circle.

use tokio_postgres::types::Type;

macro_rules! entry_columns {
    () => {
        "e.id, e.organization, e.installation_id, e.sequence, e.guid, e.event, e.action, e.change::text AS change, e.size, \
         e.received_at, e.status, e.attempts, e.refusals, e.first_failed_at, e.last_cause, e.next_attempt_at, e.settled_at"
    };
}

/// The queue's row, locked, if lease `$2` of organization `$1` is not lost.
macro_rules! leased {
    () => {
        "leased AS (SELECT organization FROM {schema}.outbox_queues WHERE app = {app} AND organization = $1 \
         AND lease_token = $2 AND lease_until IS NOT NULL FOR UPDATE)"
    };
}

pub(super) const OPEN: &str = "INSERT INTO {schema}.outbox_queues (app, organization, last_sequence) \
    VALUES ({app}, '', 0) ON CONFLICT ON CONSTRAINT outbox_queues_pkey DO NOTHING";

/// Whether the outbox is open, and whether a consumer has a queue at `$1`. A leased queue is due at some time, so that it is in
/// the index of due ones.
pub(super) const IN_USE: &str = "SELECT \
    EXISTS (SELECT FROM {schema}.outbox_queues WHERE app = {app} AND organization = '') AS open, \
    EXISTS (SELECT FROM {schema}.outbox_queues WHERE app = {app} AND due_at IS NOT NULL AND lease_until > $1) AS leased";

/// Waits for the statements that add entries, and lets later ones wait: they lock the table before they read whether the outbox
/// is open. A block, since each of its statements sees what was committed before it; a single one would leave the entries that
/// were added while it waited.
pub(super) const CLOSE: &str = "DO $$ BEGIN \
     LOCK TABLE {schema}.outbox_queues IN SHARE ROW EXCLUSIVE MODE; \
     DELETE FROM {schema}.outbox_bodies WHERE app = {app}; \
     DELETE FROM {schema}.outbox_entries WHERE app = {app}; \
     DELETE FROM {schema}.outbox_queues WHERE app = {app}; \
    END $$";

/// The share lock on the installation conflicts with its binding and its release, but with no other statement: so the
/// organization is that of this instant. Of two statements that store the same delivery at the same time, the later one
/// violates `outbox_entries_once`. Without the App's own queue, the outbox is closed: nothing is stored, since a delivery of the
/// App itself would open it again.
pub(super) const STORE: &str = "WITH known AS ( \
     SELECT FROM {schema}.outbox_entries WHERE app = {app} AND guid = $2 AND digest = $3 \
    ), bound AS ( \
     SELECT organization FROM {schema}.installations \
     WHERE app = {app} AND installation_id = $1 AND organization IS NOT NULL FOR KEY SHARE \
    ), target AS ( \
     SELECT organization FROM (SELECT organization FROM bound UNION ALL SELECT '' WHERE $1 IS NULL) AS wanted \
     WHERE EXISTS (SELECT FROM {schema}.outbox_queues WHERE app = {app} AND organization = '') \
    ), queue AS ( \
     INSERT INTO {schema}.outbox_queues AS q (app, organization, last_sequence, bytes, due_at) \
     SELECT {app}, organization, 1, $8, $7 FROM target WHERE NOT EXISTS (SELECT FROM known) AND $8 <= $10 \
     ON CONFLICT ON CONSTRAINT outbox_queues_pkey DO UPDATE SET \
      last_sequence = q.last_sequence + 1, bytes = q.bytes + excluded.bytes, \
      due_at = LEAST(q.due_at, excluded.due_at, q.lease_until - interval '1 microsecond') \
     WHERE q.bytes + excluded.bytes <= $10 \
     RETURNING organization, last_sequence \
    ), entry AS ( \
     INSERT INTO {schema}.outbox_entries (app, organization, sequence, id, installation_id, guid, digest, event, action, \
      size, has_body, received_at, status) \
     SELECT {app}, organization, last_sequence, $4, $1, $2, $3, $5, $6, $8, true, $7, 'waiting' FROM queue \
    ), body AS ( \
     INSERT INTO {schema}.outbox_bodies (app, organization, sequence, body) \
     SELECT {app}, organization, last_sequence, $9 FROM queue \
    ) SELECT CASE WHEN EXISTS (SELECT FROM known) THEN 'duplicate' WHEN NOT EXISTS (SELECT FROM target) THEN 'unbound' \
     WHEN EXISTS (SELECT FROM queue) THEN 'stored' ELSE 'full' END AS outcome, \
     (SELECT organization FROM target) AS organization";

pub(super) const STORE_TYPES: &[Type] = &[
    Type::INT8,
    Type::TEXT,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::INT8,
    Type::BYTEA,
    Type::INT8,
];

/// Reads the queues that have any, by an index of their own: most queues are empty.
pub(super) const BYTES: &str = "SELECT COALESCE(sum(bytes), 0)::bigint AS bytes FROM {schema}.outbox_queues WHERE app = {app} AND bytes > 0";

/// While a queue is leased, it is due at the end of the lease: so the queue of a consumer that crashed is found. An entry
/// that is added meanwhile makes it due before, which [`RELEASE`] sees.
pub(super) const LEASE: &str = "WITH next AS MATERIALIZED ( \
     SELECT organization FROM {schema}.outbox_queues \
     WHERE app = {app} AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) \
     ORDER BY due_at, organization LIMIT 1 FOR UPDATE SKIP LOCKED \
    ) UPDATE {schema}.outbox_queues AS q SET lease_token = q.lease_token + 1, lease_until = $2, due_at = $2 \
    FROM next WHERE q.app = {app} AND q.organization = next.organization \
    RETURNING q.organization, q.lease_token";

pub(super) const RENEW: &str = "UPDATE {schema}.outbox_queues AS q SET lease_until = $3, \
     due_at = CASE WHEN q.due_at < q.lease_until THEN q.due_at ELSE $3 END \
    WHERE app = {app} AND organization = $1 AND lease_token = $2 AND lease_until IS NOT NULL RETURNING true";

/// The time at which the queue is due again is computed from the entries in the statement's snapshot. An entry that was
/// added since is not among them, but has made the queue due before the end of the lease. Of entries that wait for their
/// turn, only the first matters.
pub(super) const RELEASE: &str = "UPDATE {schema}.outbox_queues AS q SET lease_until = NULL, \
     due_at = CASE WHEN q.due_at < q.lease_until THEN $3 ELSE ( \
      SELECT GREATEST(min(due), $3) FROM ( \
       (SELECT COALESCE(next_attempt_at, '-infinity') AS due FROM {schema}.outbox_entries \
        WHERE app = {app} AND organization = $1 AND status = 'waiting' ORDER BY sequence LIMIT 1) \
       UNION ALL \
       SELECT next_attempt_at FROM {schema}.outbox_entries \
       WHERE app = {app} AND organization = $1 AND status = 'set_aside' \
      ) AS open HAVING count(*) > 0) END \
    WHERE app = {app} AND organization = $1 AND lease_token = $2 AND lease_until IS NOT NULL";

/// Up to `$4` messages that are due at `$3`, with up to `$5` bytes. An entry that is set aside is overdue if it was due at `$6`;
/// the one that has been for longest has turn 0.
pub(super) const READ: &str = concat!(
    "WITH in_turn AS ( \
     SELECT waiting.*, bool_and(next_attempt_at IS NULL OR next_attempt_at <= $3) OVER (ORDER BY sequence) AS due, \
      1 AS turn FROM ( \
      SELECT *, sequence AS number FROM {schema}.outbox_entries \
      WHERE app = {app} AND organization = $1 AND status = 'waiting' ORDER BY sequence LIMIT $4) AS waiting \
    ), aside AS ( \
     SELECT longest.*, true AS due, CASE WHEN number = 1 AND next_attempt_at <= $6 THEN 0 ELSE 2 END AS turn FROM ( \
      SELECT *, row_number() OVER (ORDER BY next_attempt_at, sequence) AS number FROM {schema}.outbox_entries \
      WHERE app = {app} AND organization = $1 AND status = 'set_aside' AND next_attempt_at <= $3 \
      ORDER BY next_attempt_at, sequence LIMIT $4) AS longest \
    ), e AS ( \
     SELECT *, row_number() OVER turns AS place, sum(size) OVER turns AS bytes FROM ( \
      SELECT * FROM in_turn WHERE due UNION ALL SELECT * FROM aside) AS open \
     WINDOW turns AS (ORDER BY turn, number) \
    ) SELECT ",
    entry_columns!(),
    ", b.body FROM e LEFT JOIN {schema}.outbox_bodies AS b \
      ON b.app = e.app AND b.organization = e.organization AND b.sequence = e.sequence \
    WHERE place <= $4 AND (place = 1 OR bytes <= $5) \
     AND EXISTS (SELECT FROM {schema}.outbox_queues WHERE app = {app} AND organization = $1 AND lease_token = $2 \
      AND lease_until IS NOT NULL) \
    ORDER BY place"
);

pub(super) const READ_TYPES: &[Type] =
    &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::INT8, Type::INT8, Type::TIMESTAMPTZ];

/// `$4` is the new status, null to keep it; `$7` the time of the failed attempt, null of a successful one.
pub(super) const SETTLE: &str = concat!(
    "WITH ",
    leased!(),
    ", settled AS ( \
     UPDATE {schema}.outbox_entries AS e SET \
      status = COALESCE($4, e.status), next_attempt_at = $5, settled_at = $6, \
      attempts = e.attempts + CASE WHEN $7 IS NULL THEN 0 ELSE 1 END, refusals = e.refusals + $8, \
      first_failed_at = COALESCE(e.first_failed_at, $7), last_cause = COALESCE($9, e.last_cause) \
     FROM leased WHERE e.app = {app} AND e.organization = leased.organization AND e.sequence = $3 \
      AND e.status IN ('waiting', 'set_aside') \
     RETURNING e.organization, e.size, e.status \
    ), freed AS ( \
     UPDATE {schema}.outbox_queues AS q SET bytes = q.bytes - settled.size FROM settled \
     WHERE q.app = {app} AND q.organization = settled.organization AND settled.status = 'done' AND settled.size > 0 \
    ) SELECT FROM settled"
);

pub(super) const SETTLE_TYPES: &[Type] = &[
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::INT8,
    Type::TEXT,
];

pub(super) const LIST: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM {schema}.outbox_entries AS e WHERE app = {app} AND ($1 IS NULL OR organization = $1) \
     AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR (organization, sequence) > ($3, $4)) \
     ORDER BY organization, sequence LIMIT $5"
);

pub(super) const LIST_TYPES: &[Type] = &[Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8, Type::INT8];

pub(super) const FIND: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", b.body FROM {schema}.outbox_entries AS e LEFT JOIN {schema}.outbox_bodies AS b \
      ON b.app = e.app AND b.organization = e.organization AND b.sequence = e.sequence \
     WHERE e.app = {app} AND e.id = $1 ORDER BY e.received_at DESC, e.sequence DESC LIMIT 1"
);

/// The entry is read again under the lock of its queue, since it may have been settled since the snapshot.
pub(super) const RETRY: &str = "WITH found AS ( \
     SELECT organization, sequence FROM {schema}.outbox_entries WHERE app = {app} AND id = $1 \
     ORDER BY received_at DESC, sequence DESC LIMIT 1 \
    ), queue AS ( \
     SELECT q.organization, found.sequence FROM {schema}.outbox_queues AS q JOIN found USING (organization) \
     WHERE q.app = {app} FOR UPDATE OF q \
    ), e AS ( \
     SELECT e.* FROM {schema}.outbox_entries AS e JOIN queue USING (organization, sequence) \
     WHERE e.app = {app} FOR UPDATE OF e \
    ), again AS ( \
     UPDATE {schema}.outbox_entries AS again SET \
      status = CASE e.status WHEN 'waiting' THEN 'waiting' ELSE 'set_aside' END, \
      next_attempt_at = CASE e.status WHEN 'waiting' THEN NULL ELSE $2 END, \
      attempts = CASE e.status WHEN 'waiting' THEN e.attempts ELSE 0 END, \
      refusals = CASE e.status WHEN 'waiting' THEN e.refusals ELSE 0 END, \
      first_failed_at = CASE e.status WHEN 'waiting' THEN e.first_failed_at END, \
      last_cause = CASE e.status WHEN 'waiting' THEN e.last_cause END, \
      settled_at = NULL \
     FROM e WHERE again.app = {app} AND again.organization = e.organization AND again.sequence = e.sequence \
      AND (e.has_body OR e.size = 0) \
     RETURNING again.organization, CASE e.status WHEN 'done' THEN e.size ELSE 0 END AS added \
    ), due AS ( \
     UPDATE {schema}.outbox_queues AS q SET bytes = q.bytes + again.added, \
      due_at = LEAST(q.due_at, $2, q.lease_until - interval '1 microsecond') \
     FROM again WHERE q.app = {app} AND q.organization = again.organization \
    ) SELECT EXISTS (SELECT FROM again) AS queued FROM e";

pub(super) const BACKLOG: &str = "SELECT count(*) FILTER (WHERE status = 'waiting') AS waiting, \
     count(*) FILTER (WHERE status = 'set_aside') AS set_aside, count(*) FILTER (WHERE status = 'dead') AS dead, \
     min(received_at) FILTER (WHERE status IN ('waiting', 'set_aside')) AS oldest, \
     (SELECT COALESCE(sum(bytes), 0)::bigint FROM {schema}.outbox_queues WHERE app = {app} AND bytes > 0) AS bytes \
    FROM {schema}.outbox_entries WHERE app = {app} AND status <> 'done'";
