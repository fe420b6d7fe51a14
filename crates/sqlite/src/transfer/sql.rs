//! The statements that read tables in the common form.

use dockline::transfer::TransferTable;

/// A confirmation as JSON. `c` is a row of `state_confirmations`; `confirmed` is left out while it is pending.
macro_rules! confirmation {
    ($further:literal) => {
        concat!(
            "json_object('ticket', lower(hex(c.ticket)), 'browser', lower(hex(c.browser)), 'installation', c.installation_id, \
             'account', c.account_id, 'proof', c.proof, 'visitor', c.visitor, 'membership', c.membership, \
             'setupAction', c.setup_action",
            $further,
            ")"
        )
    };
}

const STATES: &str = concat!(
    "SELECT s.app, s.digest, s.organization, s.organization_name, s.actor, s.return_url, s.issued_at, s.expires_at, s.revoked, \
     s.installation_id, s.account_id, s.proof, s.visitor, s.membership, \
     (SELECT json_group_array(",
    confirmation!(""),
    " ORDER BY c.place) FROM state_confirmations AS c WHERE c.app = s.app AND c.digest = s.digest AND c.confirmed IS NULL), \
     (SELECT ",
    confirmation!(", 'confirmed', json(iif(c.confirmed, 'true', 'false'))"),
    " FROM state_confirmations AS c WHERE c.app = s.app AND c.digest = s.digest AND c.confirmed IS NOT NULL), \
     (SELECT json_group_object(lower(hex(c.code)), c.fate) FROM state_codes AS c WHERE c.app = s.app AND c.digest = s.digest) \
     FROM install_states AS s ORDER BY s.app, s.digest"
);

const INSTALLATIONS: &str = "SELECT app, installation_id, organization, account_id, account_login, account_kind, status, \
     verified_at, observed_at, next_look_at, iif(presence = 'missing', since, NULL), missing_looks, missing_last, \
     iif(presence = 'ending', since, NULL), \
     CASE presence WHEN 'absent' THEN 'absence' WHEN 'deleted' THEN 'deletion' WHEN 'removed' THEN 'us' END, generation, released_at \
    FROM installations ORDER BY app, installation_id";

/// An open outbox has the App's own queue, also if nothing was added to it yet.
const QUEUES: &str = "SELECT app, organization, last_sequence, bytes, due_at, lease_token, lease_until FROM outbox_queues \
    UNION ALL SELECT app, '', 0, 0, NULL, 0, NULL FROM outboxes AS o \
    WHERE NOT EXISTS (SELECT 1 FROM outbox_queues AS q WHERE q.app = o.app AND q.organization = '') ORDER BY app, organization";

/// Returns the statement that reads a table. The other tables have the columns of the common form.
pub(super) fn rows(table: &TransferTable) -> String {
    match table.name {
        "install_states" => STATES.to_owned(),
        "installations" => INSTALLATIONS.to_owned(),
        "outbox_queues" => QUEUES.to_owned(),
        name => {
            let columns: Vec<_> = table.columns.iter().map(|(column, _)| *column).collect();
            let key = columns.get(..table.key).unwrap_or_default().join(", ");
            format!("SELECT {} FROM {name} ORDER BY {key}", columns.join(", "))
        }
    }
}

/// Returns the statement that counts the rows of a table.
pub(super) fn count(table: &TransferTable) -> String {
    format!("SELECT count(*) FROM ({})", rows(table))
}
