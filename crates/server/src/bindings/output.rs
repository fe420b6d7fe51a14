//! The output of bindings. The names of JSON fields are stable.

use dockline::{Binding, HistoryEntry, StoredFacts, WaitingPermission, format_timestamp};
use serde_json::{Map, Value, json};

/// Returns the fields of a binding.
pub(super) fn binding_json(binding: &Binding) -> Map<String, Value> {
    let Binding { account, life, .. } = binding;
    fields([
        ("organizationId", json!(binding.organization)),
        ("installationId", json!(binding.installation)),
        ("githubAccount", json!({ "id": account.id, "login": account.login, "type": account.kind })),
        ("state", json!(binding.state())),
        ("status", json!(binding.status)),
        ("proof", json!(binding.proof)),
        ("provenBy", json!(binding.proven_by)),
        ("actor", json!(binding.actor)),
        ("registeredAt", json!(format_timestamp(binding.registered_at))),
        ("lastVerifiedAt", json!(format_timestamp(binding.last_verified_at))),
        ("observedAt", json!(format_timestamp(life.observed_at))),
        ("nextLookAt", json!(life.next_look_at.map(format_timestamp))),
    ])
}

/// Returns the fields of the facts about an installation. `waiting` is `None` if GitHub was not asked.
pub(super) fn facts_json(facts: &StoredFacts, waiting: Option<&[WaitingPermission]>) -> Value {
    let StoredFacts { facts, observed_at } = facts;
    json!({
        "permissions": facts.permissions,
        "waitingPermissions": waiting,
        "repositorySelection": facts.repository_selection,
        "suspendedBy": facts.suspended_by,
        "settingsUrl": facts.settings_url,
        "observedAt": observed_at.map(format_timestamp),
    })
}

/// Returns the fields of an entry of the history.
pub(super) fn history_json(entry: &HistoryEntry) -> Value {
    json!({
        "organizationId": entry.organization,
        "installationId": entry.installation,
        "proof": entry.proof,
        "provenBy": entry.proven_by,
        "actor": entry.actor,
        "registeredAt": format_timestamp(entry.registered_at),
        "releasedAt": entry.released_at.map(format_timestamp),
        "releasedBy": entry.released_by,
    })
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
