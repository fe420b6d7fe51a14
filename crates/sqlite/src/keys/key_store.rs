use std::borrow::Cow;

use async_trait::async_trait;
use dockline::ports::{KeyAdmin, KeyStore};
use dockline::rules::rotation;
use dockline::{
    ApiKey, ApiKeySecretHash, KeyEntry, KeyId, KeyRecord, OrganizationId, PortError, PortName, Rotation,
    RotationTerms, Scope, Tier, Unrotatable,
};
use rusqlite::{Connection, Row, params};
use time::OffsetDateTime;

use crate::database::SqliteDatabase;
use crate::decode::{
    bytes, column_time, execute, get, json, nullable_text, nullable_time, parse, row, rows, small_number,
    stored_time, text, time,
};
use crate::error::SqliteError;

macro_rules! columns {
    () => {
        "k.id, k.environment, k.secret_hash, k.organization, k.organization_name, k.scopes, k.tier, \
         k.reads_per_minute, k.writes_per_minute, k.writes_per_day, k.return_hosts, k.revoked_at, k.expires_at"
    };
}

const FIND: &str = concat!("SELECT ", columns!(), " FROM api_keys AS k WHERE k.id = ?1");

macro_rules! entries {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", k.name, k.created_at, k.last_used_at, k.replaced_by, (SELECT before.id FROM api_keys AS before \
             WHERE before.organization = k.organization AND before.replaced_by = k.id) AS rotated_from \
             FROM api_keys AS k "
        )
    };
}

const LIST: &str = concat!(entries!(), "WHERE ?1 IS NULL OR k.organization = ?1 ORDER BY k.created_at, k.id");

const ENTRY: &str = concat!(entries!(), "WHERE k.id = ?1");

const INSERT: &str = "INSERT INTO api_keys \
    (id, environment, secret_hash, organization, organization_name, name, scopes, tier, reads_per_minute, \
     writes_per_minute, writes_per_day, return_hosts, created_at, revoked_at, expires_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO NOTHING";

const REVOKE: &str =
    "UPDATE api_keys SET revoked_at = min(coalesce(revoked_at, ?2), ?2) WHERE id = ?1 RETURNING 1";

const REPLACE: &str = "UPDATE api_keys SET expires_at = ?2, replaced_by = ?3 WHERE id = ?1";

/// Stores API keys in the table `api_keys`. Does not cache, so a revocation applies from the next call.
#[derive(Debug, Clone)]
pub struct SqliteKeyStore {
    database: SqliteDatabase,
}

impl SqliteKeyStore {
    /// Uses the keys in `database`.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self { database: database.clone() }
    }
}

fn port_error(error: SqliteError) -> PortError {
    error.of_port(PortName::KeyStore)
}

fn insert(
    connection: &Connection,
    record: &KeyRecord,
    name: &str,
    created_at: OffsetDateTime,
) -> Result<bool, SqliteError> {
    let scopes: Vec<&str> = record.scopes.iter().map(Scope::as_str).collect();
    let tier = &record.tier;
    let inserted = execute(
        connection,
        INSERT,
        params![
            record.id.as_str(),
            record.environment.as_str(),
            record.secret_hash.as_bytes(),
            record.organization.as_str(),
            record.organization_name.as_str(),
            name,
            json("scopes", &scopes)?,
            tier.name,
            tier.reads_per_minute,
            tier.writes_per_minute,
            tier.writes_per_day,
            json("return_hosts", &record.return_hosts)?,
            column_time(created_at),
            record.revoked_at.map(column_time),
            record.expires_at.map(column_time),
        ],
    );
    Ok(inserted? > 0)
}

/// Returns the record of a key.
pub(super) fn find(connection: &Connection, id: &KeyId) -> Result<Option<KeyRecord>, SqliteError> {
    row(connection, FIND, [id.as_str()], record_of)
}

fn entry(row: &Row<'_>) -> Result<KeyEntry, SqliteError> {
    Ok(KeyEntry {
        record: record_of(row)?,
        name: get(row, "name")?,
        created_at: time(row, "created_at")?,
        last_used_at: nullable_time(row, "last_used_at")?,
        replaced_by: nullable_text(row, "replaced_by")?,
        rotated_from: nullable_text(row, "rotated_from")?,
    })
}

fn record_of(row: &Row<'_>) -> Result<KeyRecord, SqliteError> {
    let scopes: Vec<String> = parse(row, "scopes", |text: String| serde_json::from_str(&text))?;
    Ok(KeyRecord {
        id: text(row, "id")?,
        environment: text(row, "environment")?,
        secret_hash: ApiKeySecretHash::from_bytes(bytes(row, "secret_hash")?),
        organization: text(row, "organization")?,
        organization_name: text(row, "organization_name")?,
        scopes: scopes.iter().map(|scope| Scope::parse(scope)).collect(),
        tier: Tier {
            name: Cow::Owned(get(row, "tier")?),
            reads_per_minute: small_number(row, "reads_per_minute")?,
            writes_per_minute: small_number(row, "writes_per_minute")?,
            writes_per_day: small_number(row, "writes_per_day")?,
        },
        return_hosts: parse(row, "return_hosts", |text: String| serde_json::from_str(&text))?,
        revoked_at: nullable_time(row, "revoked_at")?,
        expires_at: nullable_time(row, "expires_at")?,
    })
}

#[async_trait]
impl KeyStore for SqliteKeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        let id = id.clone();
        self.database.read(move |connection| find(connection, &id)).await.map_err(port_error)
    }
}

#[async_trait]
impl KeyAdmin for SqliteKeyStore {
    async fn insert(
        &self,
        record: &KeyRecord,
        name: &str,
        created_at: OffsetDateTime,
    ) -> Result<bool, PortError> {
        let (record, name) = (record.clone(), name.to_owned());
        let inserted = self.database.write(move |connection| insert(connection, &record, &name, created_at));
        inserted.await.map_err(port_error)
    }

    async fn list(&self, organization: Option<OrganizationId>) -> Result<Vec<KeyEntry>, PortError> {
        let entries = self.database.read(move |connection| {
            rows(connection, LIST, [organization.as_ref().map(OrganizationId::as_str)], entry)
        });
        entries.await.map_err(port_error)
    }

    async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError> {
        let id = id.clone();
        let found = self.database.read(move |connection| row(connection, ENTRY, [id.as_str()], entry));
        found.await.map_err(port_error)
    }

    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Result<Rotation, PortError> {
        let old = self.entry(id).await?;
        let replaced_by = old.as_ref().and_then(|old| old.replaced_by.as_ref());
        if let Err(reason) = rotation::check(old.as_ref().map(|old| &old.record), replaced_by, fresh, now) {
            return Ok(Rotation::Refused(reason));
        }
        let Some(old) = old else { return Ok(Rotation::Refused(Unrotatable::Unknown)) };
        // Made here, so that the secret stays in this thread.
        let made = rotation::successor(&old.record, fresh, terms);
        let end = rotation::end(&old.record, terms);
        let rotated = self.database.write(move |connection| {
            let current = row(connection, ENTRY, [old.record.id.as_str()], entry)?;
            let Some(current) = current else { return Ok(Err(Unrotatable::Unknown)) };
            if let Some(successor) = current.replaced_by {
                return Ok(Err(Unrotatable::Replaced(successor)));
            }
            if current.record != old.record {
                // Nothing but a revocation changes a key.
                return Ok(Err(Unrotatable::Revoked));
            }
            let values = params![old.record.id.as_str(), column_time(end), made.id.as_str()];
            execute(connection, REPLACE, values)?;
            insert(connection, &made, &current.name, now)?;
            find(connection, &made.id).map(|made| made.ok_or(Unrotatable::Unknown))
        });
        Ok(match rotated.await.map_err(port_error)? {
            Ok(fresh) => Rotation::Rotated { fresh: Box::new(fresh), old_expires_at: stored_time(end) },
            Err(reason) => Rotation::Refused(reason),
        })
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError> {
        let id = id.clone();
        let revoked = self.database.write(move |connection| {
            row(connection, REVOKE, params![id.as_str(), column_time(at)], |_| Ok(()))
        });
        Ok(revoked.await.map_err(port_error)?.is_some())
    }
}
