//! Stores the changes that statements make, in the same statement, and reads them from its answer.

use dockline::Change;
use tokio_postgres::Row;

use crate::decode::parse_nullable;
use crate::error::DatabaseError;

/// The facts of a row of `installations` as JSON: an `InstallationSnapshot` of the core.
macro_rules! snapshot {
    ($row:literal) => {
        concat!(
            "jsonb_build_object('organization', ",
            $row,
            ".organization, 'account', CASE WHEN ",
            $row,
            ".account_id IS NOT NULL THEN jsonb_build_object('id', ",
            $row,
            ".account_id, 'login', ",
            $row,
            ".account_login, 'type', ",
            $row,
            ".account_kind) END, 'status', ",
            $row,
            ".status, 'presence', CASE WHEN ",
            $row,
            ".uninstalled_by = 'deletion' THEN 'deleted' WHEN ",
            $row,
            ".uninstalled_by = 'us' THEN 'removed' WHEN ",
            $row,
            ".ending_since IS NOT NULL THEN 'ending' WHEN ",
            $row,
            ".status = 'uninstalled' THEN 'absent' WHEN ",
            $row,
            ".missing_since IS NOT NULL THEN 'missing' ELSE 'shown' END, 'generation', ",
            $row,
            ".generation)"
        )
    };
}

/// The parts of a statement that store each row of `change` in the queue of its organization, with this id and time, if the
/// App has an outbox. An organization has at most one row. The queue's row is locked after the installation's, as everywhere.
macro_rules! store_change {
    ($id:literal, $at:literal) => {
        concat!(
            "queue AS ( \
             INSERT INTO {schema}.outbox_queues AS q (app, organization, last_sequence, due_at) \
             SELECT {app}, organization, 1, '1970-01-01 00:00:00+00' FROM change WHERE organization IS NOT NULL \
              AND EXISTS (SELECT FROM {schema}.outbox_queues WHERE app = {app} AND organization = '') \
             ON CONFLICT ON CONSTRAINT outbox_queues_pkey DO UPDATE SET last_sequence = q.last_sequence + 1, \
              due_at = LEAST(q.due_at, excluded.due_at) \
             RETURNING organization, last_sequence \
            ), entry AS ( \
             INSERT INTO {schema}.outbox_entries \
             (app, organization, sequence, id, installation_id, change, size, has_body, received_at, status) \
             SELECT {app}, organization, queue.last_sequence, ",
            $id,
            ", change.installation_id, ",
            change_json!(),
            ", 0, false, ",
            $at,
            ", 'waiting' FROM queue JOIN change USING (organization))"
        )
    };
}

/// The row of `change` as JSON: a `Change` of the core.
macro_rules! change_json {
    () => {
        "jsonb_build_object('installation', change.installation_id, 'before', change.before, 'after', change.after, \
         'actor', change.actor)"
    };
}

/// The columns by which [`change`] reads the change.
macro_rules! change_columns {
    () => {
        concat!("CASE WHEN change.installation_id IS NOT NULL THEN ", change_json!(), "::text END AS change")
    };
}

pub(super) use {change_columns, change_json, snapshot, store_change};

/// Reads the change of a statement; `None` if nothing changed.
pub(super) fn change(row: &Row) -> Result<Option<Change>, DatabaseError> {
    parse_nullable(row, "change", |text: &str| serde_json::from_str(text))
}
