//! The columns of this schema for those of the common form.

use dockline::transfer::{CellKind, TransferTable};
use tokio_postgres::types::Type;

/// Returns the name of a column.
fn column(table: &str, column: &'static str) -> &'static str {
    match (table, column) {
        ("api_keys", "return_hosts") => "allowed_return_domains",
        ("install_states", "revoked") => "discarded",
        ("install_states", "claim_installation") => "tie_installation",
        ("install_states", "claim_account") => "tie_account",
        ("install_states", "claim_proof") => "tie_proof",
        ("install_states", "claim_visitor") => "tie_visitor",
        ("install_states", "claim_membership") => "tie_membership",
        ("installers", "recorded_at") => "noted_at",
        (_, same) => same,
    }
}

/// Returns the names of a table's columns.
pub(super) fn columns(table: &TransferTable) -> Vec<&'static str> {
    table.columns.iter().map(|(name, _)| column(table.name, name)).collect()
}

/// Returns the columns that order a table.
pub(super) fn key(table: &TransferTable) -> String {
    columns(table).get(..table.key).unwrap_or_default().join(", ")
}

/// Returns the types of a table's columns.
pub(super) fn types(table: &TransferTable) -> Vec<Type> {
    let of = |(name, kind): &(&str, CellKind)| match (table.name, *name, kind) {
        ("apps", "id", _) | (_, "app", _) | ("redelivery_requests", "requests", _) => Type::INT4,
        (_, _, CellKind::Flag) => Type::BOOL,
        (_, _, CellKind::Number) => Type::INT8,
        (_, _, CellKind::Time) => Type::TIMESTAMPTZ,
        (_, _, CellKind::Text) => Type::TEXT,
        (_, _, CellKind::Bytes) => Type::BYTEA,
        (_, _, CellKind::Json) => Type::JSONB,
        (_, _, CellKind::Texts) => Type::TEXT_ARRAY,
    };
    table.columns.iter().map(of).collect()
}
