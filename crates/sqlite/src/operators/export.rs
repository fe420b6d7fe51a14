//! Exports the stored data of an organization.

use dockline::{OrganizationId, PortError, PortName, format_timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::SqliteDataSubjects;
use crate::error::SqliteError;

/// The tables of an export, and their rows of organization `?1`. Digests and hashes of secrets are left out.
const EXPORTED: [(&str, &str); 9] = [
    (
        "apiKeys",
        "SELECT id, environment, organization, organization_name, name, scopes, tier, reads_per_minute, writes_per_minute, \
          writes_per_day, return_hosts, created_at, revoked_at, expires_at, replaced_by, last_used_at \
         FROM api_keys WHERE organization = ?1 ORDER BY id",
    ),
    (
        "budgets",
        "SELECT * FROM budgets WHERE key = 'org:' || ?1 OR key IN (SELECT id FROM api_keys WHERE organization = ?1) \
         ORDER BY key, class",
    ),
    (
        "installStates",
        "SELECT app, organization, organization_name, actor, return_url, issued_at, expires_at, revoked, installation_id, \
          account_id, proof, visitor, membership, \
          (SELECT json_group_array(json_object('installation', c.installation_id, 'account', c.account_id, 'proof', c.proof, \
            'visitor', c.visitor, 'membership', c.membership, 'setupAction', c.setup_action) ORDER BY c.place) \
           FROM state_confirmations AS c WHERE c.app = s.app AND c.digest = s.digest AND c.confirmed IS NULL) AS pending, \
          (SELECT json_object('installation', c.installation_id, 'account', c.account_id, 'proof', c.proof, \
            'visitor', c.visitor, 'membership', c.membership, 'setupAction', c.setup_action, \
            'confirmed', json(iif(c.confirmed, 'true', 'false'))) \
           FROM state_confirmations AS c WHERE c.app = s.app AND c.digest = s.digest AND c.confirmed IS NOT NULL) AS answered \
         FROM install_states AS s WHERE organization = ?1 ORDER BY issued_at",
    ),
    ("messageQueues", "SELECT * FROM outbox_queues WHERE organization = ?1 ORDER BY app"),
    (
        "messages",
        "SELECT e.app, e.organization, e.sequence, e.id, e.installation_id, e.guid, e.event, e.action, e.change, e.size, \
          e.received_at, e.status, e.attempts, e.refusals, e.first_failed_at, e.last_cause, e.next_attempt_at, e.settled_at, \
          b.body FROM outbox_entries AS e \
         LEFT JOIN outbox_bodies AS b ON b.app = e.app AND b.organization = e.organization AND b.sequence = e.sequence \
         WHERE e.organization = ?1 ORDER BY e.app, e.sequence",
    ),
    (
        "bindings",
        "SELECT app, organization, installation_id, proof, proven_by, actor, registered_at, released_at, released_by \
         FROM bindings WHERE organization = ?1 ORDER BY registered_at",
    ),
    ("installations", "SELECT * FROM installations WHERE organization = ?1 ORDER BY app"),
    (
        "installationFacts",
        "SELECT t.* FROM installation_facts AS t JOIN installations AS i \
         ON i.app = t.app AND i.installation_id = t.installation_id WHERE i.organization = ?1 ORDER BY t.app",
    ),
    (
        "installers",
        "SELECT t.* FROM installers AS t JOIN installations AS i \
         ON i.app = t.app AND i.installation_id = t.installation_id WHERE i.organization = ?1 ORDER BY t.app",
    ),
];

/// The columns of JSON text.
const JSON: [&str; 6] = ["scopes", "return_hosts", "pending", "answered", "change", "facts"];

/// The columns with times, beside those whose names end in `_at`.
const TIMES: [&str; 3] = ["since", "missing_last", "lease_until"];

impl SqliteDataSubjects {
    /// The number of tables of an export.
    pub const TABLES: u64 = EXPORTED.len() as u64;

    /// Returns all stored data of an organization: an array for each table, of objects with its columns. Leaves out
    /// hashes of secrets. `None` if nothing is stored about it.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn export(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<Map<String, Value>>, PortError> {
        self.export_with(organization, |_| {}).await
    }

    /// [`export`](Self::export), which calls `before_table` with the name of each of the [`TABLES`](Self::TABLES) before it
    /// reads it.
    ///
    /// # Errors
    /// Infrastructure failures only.
    pub async fn export_with(
        &self,
        organization: &OrganizationId,
        mut before_table: impl FnMut(&'static str) + Send,
    ) -> Result<Option<Map<String, Value>>, PortError> {
        let mut tables = Map::new();
        for (name, sql) in EXPORTED {
            before_table(name);
            let organization = organization.clone();
            let rows = self.database.read(move |connection| rows(connection, sql, &organization));
            let rows = rows.await.map_err(|error| error.of_port(PortName::Directory))?;
            tables.insert(name.to_owned(), Value::Array(rows));
        }
        let is_empty = tables.values().all(|rows| rows.as_array().is_some_and(Vec::is_empty));
        Ok(if is_empty { None } else { Some(tables) })
    }
}

fn rows(
    connection: &Connection,
    sql: &str,
    organization: &OrganizationId,
) -> Result<Vec<Value>, SqliteError> {
    crate::decode::rows(connection, sql, [organization.as_str()], object)
}

fn object(row: &Row<'_>) -> Result<Value, SqliteError> {
    let statement: &rusqlite::Statement<'_> = row.as_ref();
    let names = statement.column_names().enumerate();
    let members = names.map(|(at, name)| Ok((name.to_owned(), value(name, row.get_ref(at)?)?)));
    members.collect::<Result<Map<_, _>, SqliteError>>().map(Value::Object)
}

fn value(name: &str, value: ValueRef<'_>) -> Result<Value, SqliteError> {
    let is_time = name.ends_with("_at") || TIMES.contains(&name);
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) if is_time => time(number)?.into(),
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) if JSON.contains(&name) => {
            serde_json::from_slice(text).map_err(|error| SqliteError::corrupt("a column with JSON", error))?
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    })
}

fn time(microseconds: i64) -> Result<String, SqliteError> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000);
    time.map(format_timestamp).map_err(|error| SqliteError::corrupt("a column with a time", error))
}
