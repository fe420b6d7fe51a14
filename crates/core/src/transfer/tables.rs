use super::CellKind::{self, Bytes, Flag, Json, Number, Text, Texts, Time};

/// A table of the common form.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferTable {
    /// The name.
    pub name: &'static str,
    /// The number of columns, from the first one, that identify a row. Rows are in their order: numbers by size, bytes and texts
    /// byte by byte.
    pub key: usize,
    /// Names and kinds of the columns.
    pub columns: &'static [(&'static str, CellKind)],
}

/// All tables, in an order in which no row refers to a later one. Times are those of the storage ports.
///
/// Tables of a storage that can be derived from these are left out.
pub static TABLES: [TransferTable; 14] = [
    TransferTable {
        name: "apps",
        key: 1,
        columns: &[
            ("id", Number),
            ("api_base", Text),
            ("app_id", Number),
            ("added_at", Time),
            ("retired_at", Time),
        ],
    },
    TransferTable {
        name: "api_keys",
        key: 1,
        columns: &[
            ("id", Text),
            ("environment", Text),
            ("secret_hash", Bytes),
            ("organization", Text),
            ("organization_name", Text),
            ("name", Text),
            ("scopes", Texts),
            ("tier", Text),
            ("reads_per_minute", Number),
            ("writes_per_minute", Number),
            ("writes_per_day", Number),
            ("return_hosts", Texts),
            ("created_at", Time),
            ("revoked_at", Time),
            ("expires_at", Time),
            ("replaced_by", Text),
            ("last_used_at", Time),
        ],
    },
    // Levels in units of a 60,000,000th of a permit, times in microseconds since 1970.
    TransferTable {
        name: "budgets",
        key: 2,
        columns: &[
            ("key", Text),
            ("class", Text),
            ("per_minute", Number),
            ("level", Number),
            ("used_today", Number),
            ("counted_to", Number),
            ("lag", Number),
        ],
    },
    // `pending` is an array of the confirmations, oldest first, `answered` the one that was answered, `codes` an object with the
    // fate of each code by its digest in hexadecimal.
    TransferTable {
        name: "install_states",
        key: 2,
        columns: &[
            ("app", Number),
            ("digest", Bytes),
            ("organization", Text),
            ("organization_name", Text),
            ("actor", Text),
            ("return_url", Text),
            ("issued_at", Time),
            ("expires_at", Time),
            ("revoked", Flag),
            ("claim_installation", Number),
            ("claim_account", Number),
            ("claim_proof", Text),
            ("claim_visitor", Number),
            ("claim_membership", Text),
            ("pending", Json),
            ("answered", Json),
            ("codes", Json),
        ],
    },
    TransferTable {
        name: "installations",
        key: 2,
        columns: &[
            ("app", Number),
            ("installation_id", Number),
            ("organization", Text),
            ("account_id", Number),
            ("account_login", Text),
            ("account_kind", Text),
            ("status", Text),
            ("verified_at", Time),
            ("observed_at", Time),
            ("next_look_at", Time),
            ("missing_since", Time),
            ("missing_looks", Number),
            ("missing_last", Time),
            ("ending_since", Time),
            ("uninstalled_by", Text),
            ("generation", Number),
            ("released_at", Time),
        ],
    },
    TransferTable {
        name: "bindings",
        key: 3,
        columns: &[
            ("app", Number),
            ("organization", Text),
            ("spent", Bytes),
            ("installation_id", Number),
            ("proof", Text),
            ("proven_by", Number),
            ("actor", Text),
            ("registered_at", Time),
            ("released_at", Time),
            ("released_by", Text),
        ],
    },
    TransferTable {
        name: "installers",
        key: 2,
        columns: &[
            ("app", Number),
            ("installation_id", Number),
            ("installer", Number),
            ("members_permission", Flag),
            ("recorded_at", Time),
        ],
    },
    TransferTable {
        name: "installation_facts",
        key: 2,
        columns: &[("app", Number), ("installation_id", Number), ("facts", Json), ("observed_at", Time)],
    },
    TransferTable {
        name: "tombstone_resets",
        key: 3,
        columns: &[
            ("app", Number),
            ("installation_id", Number),
            ("reset_at", Time),
            ("uninstalled_by", Text),
            ("ended_at", Time),
            ("note", Text),
        ],
    },
    // An open outbox has the App's own queue, whose organization is empty.
    TransferTable {
        name: "outbox_queues",
        key: 2,
        columns: &[
            ("app", Number),
            ("organization", Text),
            ("last_sequence", Number),
            ("bytes", Number),
            ("due_at", Time),
            ("lease_token", Number),
            ("lease_until", Time),
        ],
    },
    TransferTable {
        name: "outbox_entries",
        key: 3,
        columns: &[
            ("app", Number),
            ("organization", Text),
            ("sequence", Number),
            ("id", Text),
            ("installation_id", Number),
            ("guid", Text),
            ("digest", Bytes),
            ("event", Text),
            ("action", Text),
            ("change", Json),
            ("size", Number),
            ("has_body", Flag),
            ("received_at", Time),
            ("status", Text),
            ("attempts", Number),
            ("refusals", Number),
            ("first_failed_at", Time),
            ("last_cause", Text),
            ("next_attempt_at", Time),
            ("settled_at", Time),
        ],
    },
    TransferTable {
        name: "outbox_bodies",
        key: 3,
        columns: &[("app", Number), ("organization", Text), ("sequence", Number), ("body", Bytes)],
    },
    TransferTable {
        name: "redelivery_scans",
        key: 1,
        columns: &[
            ("app", Number),
            ("holder", Bytes),
            ("held_until", Time),
            ("read_to", Time),
            ("cursor", Text),
            ("newest", Time),
        ],
    },
    TransferTable {
        name: "redelivery_requests",
        key: 2,
        columns: &[("app", Number), ("guid", Text), ("requests", Number), ("last_at", Time)],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_keys_have_columns() {
        let names: BTreeSet<_> = TABLES.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), TABLES.len());
        for TransferTable { name, key, columns } in &TABLES {
            assert!((1..columns.len()).contains(key), "{name}");
            let unique: BTreeSet<_> = columns.iter().map(|(column, _)| column).collect();
            assert_eq!(unique.len(), columns.len(), "{name}");
        }
    }
}
