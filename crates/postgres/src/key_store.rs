use std::borrow::Cow;

use async_trait::async_trait;
use dockline::ports::{KeyAdmin, KeyStore};
use dockline::rules::rotation;
use dockline::{
    ApiKey, ApiKeySecretHash, KeyEntry, KeyId, KeyRecord, OrganizationId, PortError, PortName, Rotation,
    RotationTerms, Scope, Tier,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::{Database, Statement};
use crate::decode::{column_time, get, parse, parse_nullable, parse_text};
use crate::error::DatabaseError;

macro_rules! record_columns {
    () => {
        "k.id, k.environment, k.secret_hash, k.organization, k.organization_name, k.scopes, k.tier, \
         k.reads_per_minute, k.writes_per_minute, k.writes_per_day, k.allowed_return_domains, k.revoked_at, k.expires_at"
    };
}

const FIND: &str = concat!("SELECT ", record_columns!(), " FROM {schema}.api_keys AS k WHERE k.id = $1");

macro_rules! entries {
    () => {
        concat!(
            "SELECT ",
            record_columns!(),
            ", k.name, k.created_at, k.last_used_at, k.replaced_by, (SELECT before.id FROM {schema}.api_keys AS before \
             WHERE before.organization = k.organization AND before.replaced_by = k.id) AS rotated_from \
             FROM {schema}.api_keys AS k "
        )
    };
}

const LIST: &str = concat!(entries!(), "WHERE $1 IS NULL OR k.organization = $1 ORDER BY k.created_at, k.id");

const ENTRY: &str = concat!(entries!(), "WHERE k.id = $1");

const INSERT: &str = "INSERT INTO {schema}.api_keys \
    (id, environment, secret_hash, organization, organization_name, name, scopes, tier, \
     reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, created_at, revoked_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
    ON CONFLICT ON CONSTRAINT api_keys_pkey DO NOTHING RETURNING true";

const INSERT_TYPES: &[Type] = &[
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT_ARRAY,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT_ARRAY,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
];

const REVOKE: &str = "UPDATE {schema}.api_keys \
    SET revoked_at = LEAST(revoked_at, $2) WHERE id = $1 RETURNING true";

/// `$1` the old key; `$2` to `$4` id, environment and hash of the fresh key; `$5` now; `$6` and `$7` the expiry of the old
/// and of the fresh key.
///
/// Locks the old row before checking it, so that only one of several concurrent rotations finds it unreplaced. The fresh
/// row is a copy of the locked row.
const ROTATE: &str = "WITH old AS (\
     SELECT * FROM {schema}.api_keys WHERE id = $1 AND environment = $3 AND revoked_at IS NULL \
      AND replaced_by IS NULL AND (expires_at IS NULL OR expires_at > $5) FOR UPDATE), \
    replaced AS (UPDATE {schema}.api_keys AS k SET expires_at = LEAST(k.expires_at, $6), replaced_by = $2 \
     FROM old WHERE k.id = old.id RETURNING k.expires_at AS old_expires_at), \
    k AS (INSERT INTO {schema}.api_keys (id, environment, secret_hash, organization, organization_name, name, scopes, \
     tier, reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, created_at, expires_at) \
     SELECT $2, environment, $4, organization, organization_name, name, scopes, \
     tier, reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, $5, $7 FROM old RETURNING *) \
    SELECT k.*, replaced.old_expires_at FROM k, replaced";

const ROTATE_TYPES: &[Type] = &[
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMPTZ,
];

/// Stores API keys in the table `api_keys`. Does not cache, so a revocation applies from the next call.
#[derive(Debug, Clone)]
pub struct PgKeyStore {
    database: Database,
    find: Statement,
    list: Statement,
    entry: Statement,
    insert: Statement,
    revoke: Statement,
    rotate: Statement,
}

impl PgKeyStore {
    /// Uses the keys in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            find: database.statement(FIND, &[Type::TEXT]),
            list: database.statement(LIST, &[Type::TEXT]),
            entry: database.statement(ENTRY, &[Type::TEXT]),
            insert: database.statement(INSERT, INSERT_TYPES),
            revoke: database.statement(REVOKE, &[Type::TEXT, Type::TIMESTAMPTZ]),
            rotate: database.statement(ROTATE, ROTATE_TYPES),
            database: database.clone(),
        }
    }
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::KeyStore)
}

fn entry(row: &Row) -> Result<KeyEntry, DatabaseError> {
    Ok(KeyEntry {
        record: record(row, "organization")?,
        name: get(row, "name")?,
        created_at: get(row, "created_at")?,
        last_used_at: get(row, "last_used_at")?,
        replaced_by: parse_nullable(row, "replaced_by", KeyId::parse)?,
        rotated_from: parse_nullable(row, "rotated_from", KeyId::parse)?,
    })
}

/// Reads a key; `organization` names the column of its organization.
pub(crate) fn record(row: &Row, organization: &'static str) -> Result<KeyRecord, DatabaseError> {
    let scopes: Vec<&str> = get(row, "scopes")?;
    let limit = |column| parse(row, column, |number: i64| u32::try_from(number));
    Ok(KeyRecord {
        id: parse_text(row, "id")?,
        environment: parse_text(row, "environment")?,
        secret_hash: parse(row, "secret_hash", |bytes: &[u8]| {
            bytes.try_into().map(ApiKeySecretHash::from_bytes)
        })?,
        organization: parse_text(row, organization)?,
        organization_name: parse_text(row, "organization_name")?,
        scopes: scopes.into_iter().map(Scope::parse).collect(),
        tier: Tier {
            name: Cow::Owned(get(row, "tier")?),
            reads_per_minute: limit("reads_per_minute")?,
            writes_per_minute: limit("writes_per_minute")?,
            writes_per_day: limit("writes_per_day")?,
        },
        return_hosts: get(row, "allowed_return_domains")?,
        revoked_at: get(row, "revoked_at")?,
        expires_at: get(row, "expires_at")?,
    })
}

#[async_trait]
impl KeyStore for PgKeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        let row = self.database.row(&self.find, &[&id.as_str()]).await.map_err(port_error)?;
        row.as_ref().map(|row| record(row, "organization")).transpose().map_err(port_error)
    }
}

#[async_trait]
impl KeyAdmin for PgKeyStore {
    async fn insert(
        &self,
        record: &KeyRecord,
        name: &str,
        created_at: OffsetDateTime,
    ) -> Result<bool, PortError> {
        let scopes: Vec<&str> = record.scopes.iter().map(Scope::as_str).collect();
        let tier = &record.tier;
        let row = self
            .database
            .row(
                &self.insert,
                &[
                    &record.id.as_str(),
                    &record.environment.as_str(),
                    &record.secret_hash.as_bytes().as_slice(),
                    &record.organization.as_str(),
                    &record.organization_name.as_str(),
                    &name,
                    &scopes,
                    &tier.name.as_ref(),
                    &i64::from(tier.reads_per_minute),
                    &i64::from(tier.writes_per_minute),
                    &i64::from(tier.writes_per_day),
                    &record.return_hosts,
                    &column_time(created_at),
                    &record.revoked_at.map(column_time),
                    &record.expires_at.map(column_time),
                ],
            )
            .await;
        Ok(row.map_err(port_error)?.is_some())
    }

    async fn list(&self, organization: Option<OrganizationId>) -> Result<Vec<KeyEntry>, PortError> {
        let organization = organization.as_ref().map(OrganizationId::as_str);
        let rows = self.database.rows(&self.list, &[&organization]).await.map_err(port_error)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(port_error)
    }

    async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError> {
        let row = self.database.row(&self.entry, &[&id.as_str()]).await.map_err(port_error)?;
        row.as_ref().map(entry).transpose().map_err(port_error)
    }

    async fn rotate(
        &self,
        id: &KeyId,
        fresh: &ApiKey,
        terms: &RotationTerms,
        now: OffsetDateTime,
    ) -> Result<Rotation, PortError> {
        let row = self
            .database
            .row(
                &self.rotate,
                &[
                    &id.as_str(),
                    &fresh.id().as_str(),
                    &fresh.environment().as_str(),
                    &fresh.secret_hash().as_bytes().as_slice(),
                    &column_time(now),
                    &column_time(terms.old_expires_at),
                    &terms.expires_at.map(column_time),
                ],
            )
            .await
            .map_err(port_error)?;
        if let Some(row) = row {
            let rotated = || -> Result<_, DatabaseError> {
                Ok(Rotation::Rotated {
                    fresh: Box::new(record(&row, "organization")?),
                    old_expires_at: get(&row, "old_expires_at")?,
                })
            };
            return rotated().map_err(port_error);
        }
        // The reason is still there: a key that cannot be rotated never becomes rotatable again.
        let old = self.entry(id).await?;
        let replaced_by = old.as_ref().and_then(|old| old.replaced_by.as_ref());
        match rotation::check(old.as_ref().map(|old| &old.record), replaced_by, fresh, column_time(now)) {
            Err(reason) => Ok(Rotation::Refused(reason)),
            Ok(()) => Err(port_error(DatabaseError::Conflict(1))),
        }
    }

    async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError> {
        let row = self.database.row(&self.revoke, &[&id.as_str(), &column_time(at)]).await;
        Ok(row.map_err(port_error)?.is_some())
    }
}
