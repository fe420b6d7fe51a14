use std::borrow::Cow;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{
    ApiKeySecretHash, KeyEnvironment, KeyId, KeyRecord, OrganizationId, PortError, PortName, Scope, Tier,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::column::{get, one_of, organization, parse, stored};
use crate::database::Database;
use crate::failure::Failure;
use crate::statement::Statement;

const FIND: &str = "SELECT id, environment, secret_hash, organization, organization_name, scopes, tier, \
    reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, revoked_at \
    FROM {schema}.api_keys WHERE id = $1";

const LIST: &str = "SELECT id, environment, secret_hash, organization, organization_name, scopes, tier, \
    reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, revoked_at, name, created_at \
    FROM {schema}.api_keys \
    WHERE $1 IS NULL OR organization = $1 ORDER BY created_at, id";

const INSERT: &str = "INSERT INTO {schema}.api_keys \
    (id, environment, secret_hash, organization, organization_name, name, scopes, tier, \
     reads_per_minute, writes_per_minute, writes_per_day, allowed_return_domains, created_at, revoked_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
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
];

const REVOKE: &str = "UPDATE {schema}.api_keys \
    SET revoked_at = LEAST(revoked_at, $2) WHERE id = $1 RETURNING true";

/// API keys in the table `api_keys`. There is no cache: a revocation is in force for the next call (invariant I13).
#[derive(Debug, Clone)]
pub struct PgKeyStore {
    database: Database,
    find: Statement,
    list: Statement,
    insert: Statement,
    revoke: Statement,
}

/// A key as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// What the store knows of it.
    pub record: KeyRecord,
    /// The operator's name for it.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl PgKeyStore {
    /// The keys of `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            find: database.statement(FIND, &[Type::TEXT]),
            list: database.statement(LIST, &[Type::TEXT]),
            insert: database.statement(INSERT, INSERT_TYPES),
            revoke: database.statement(REVOKE, &[Type::TEXT, Type::TIMESTAMPTZ]),
            database: database.clone(),
        }
    }

    /// Adds a key under the operator's `name` for it. `false` where its id is taken: nothing changed, also where it
    /// was taken by this very call, repeated.
    ///
    /// # Errors
    /// Infrastructure only; the key was added or not, and repeating the call tells which.
    pub async fn insert(
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
                    &record.organization_name,
                    &name,
                    &scopes,
                    &tier.name.as_ref(),
                    &i64::from(tier.reads_per_minute),
                    &i64::from(tier.writes_per_minute),
                    &i64::from(tier.writes_per_day),
                    &record.allowed_return_domains,
                    &stored(created_at),
                    &record.revoked_at.map(stored),
                ],
            )
            .await;
        Ok(row.map_err(at)?.is_some())
    }

    /// All keys, or one organization's, revoked ones too, oldest first.
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn list(&self, organization: Option<&OrganizationId>) -> Result<Vec<KeyEntry>, PortError> {
        let organization = organization.map(OrganizationId::as_str);
        let rows = self.database.rows(&self.list, &[&organization]).await.map_err(at)?;
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(at)
    }

    /// Has the key refused from `at` on; `false` where there is no such key. Of several times the earliest counts.
    ///
    /// # Errors
    /// Infrastructure only; the same call may be repeated.
    pub async fn revoke(&self, id: &KeyId, at: OffsetDateTime) -> Result<bool, PortError> {
        let row = self.database.row(&self.revoke, &[&id.as_str(), &stored(at)]).await;
        Ok(row.map_err(self::at)?.is_some())
    }
}

fn at(failure: Failure) -> PortError {
    failure.at(PortName::KeyStore)
}

fn entry(row: &Row) -> Result<KeyEntry, Failure> {
    Ok(KeyEntry { record: record(row)?, name: get(row, "name")?, created_at: get(row, "created_at")? })
}

fn record(row: &Row) -> Result<KeyRecord, Failure> {
    let environments = [KeyEnvironment::Live, KeyEnvironment::Test];
    let scopes: Vec<&str> = get(row, "scopes")?;
    let per = |column| parse(row, column, |number: i64| u32::try_from(number));
    Ok(KeyRecord {
        id: parse(row, "id", KeyId::parse)?,
        environment: one_of(row, "environment", environments, KeyEnvironment::as_str)?,
        secret_hash: parse(row, "secret_hash", |bytes: &[u8]| {
            bytes.try_into().map(ApiKeySecretHash::from_bytes)
        })?,
        organization: organization(row)?,
        organization_name: get(row, "organization_name")?,
        scopes: scopes.into_iter().map(Scope::parse).collect(),
        tier: Tier {
            name: Cow::Owned(get(row, "tier")?),
            reads_per_minute: per("reads_per_minute")?,
            writes_per_minute: per("writes_per_minute")?,
            writes_per_day: per("writes_per_day")?,
        },
        allowed_return_domains: get(row, "allowed_return_domains")?,
        revoked_at: get(row, "revoked_at")?,
    })
}

#[async_trait]
impl KeyStore for PgKeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        let row = self.database.row(&self.find, &[&id.as_str()]).await.map_err(at)?;
        row.as_ref().map(record).transpose().map_err(at)
    }
}
