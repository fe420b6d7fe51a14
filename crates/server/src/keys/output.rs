//! The output of keys.

use std::io::{self, Write};

use dockline::{ApiKey, KeyEntry, KeyId, Scope};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(super) fn rfc3339(at: OffsetDateTime) -> Result<String, time::error::Format> {
    at.format(&Rfc3339)
}

/// Prints a new key, which is impossible later. The note for people goes to stderr.
pub(super) fn print_key(key: &ApiKey, note: &str, object: Option<Map<String, Value>>) -> io::Result<()> {
    let text = key.expose();
    let mut stdout = io::stdout().lock();
    match object {
        Some(mut object) => {
            object.insert("apiKey".to_owned(), Value::from(text.expose_secret()));
            writeln!(stdout, "{}", Value::from(object))
        }
        None => {
            writeln!(stdout, "{}", text.expose_secret())?;
            writeln!(io::stderr(), "{note}")
        }
    }
}

/// Returns everything of a key except its secret.
pub(super) fn key_json(entry: &KeyEntry) -> Result<Map<String, Value>, time::error::Format> {
    let record = &entry.record;
    let time = |at: Option<OffsetDateTime>| at.map(rfc3339).transpose();
    let id = |key: &Option<KeyId>| json!(key.as_ref().map(KeyId::as_str));
    let tier = &record.tier;
    let fields = [
        ("keyId", json!(record.id.as_str())),
        ("env", json!(record.environment.as_str())),
        ("organizationId", json!(record.organization.as_str())),
        ("organizationName", json!(record.organization_name)),
        ("scopes", json!(record.scopes.iter().map(Scope::as_str).collect::<Vec<_>>())),
        ("tier", json!(tier.name)),
        ("readsPerMinute", json!(tier.reads_per_minute)),
        ("writesPerMinute", json!(tier.writes_per_minute)),
        ("writesPerDay", json!(tier.writes_per_day)),
        ("returnDomains", json!(record.return_hosts)),
        ("label", json!(entry.name)),
        ("createdAt", json!(rfc3339(entry.created_at)?)),
        ("expiresAt", json!(time(record.expires_at)?)),
        ("revokedAt", json!(time(record.revoked_at)?)),
        ("lastUsedAt", json!(time(entry.last_used_at)?)),
        ("rotatedFrom", id(&entry.rotated_from)),
        ("replacedBy", id(&entry.replaced_by)),
    ];
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
