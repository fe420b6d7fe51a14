use std::borrow::Cow;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::rules::rotation;
use dockline::{
    ApiKey, ApiKeySecretHash, KeyEnvironment, KeyId, KeyRecord, OrganizationId, OrganizationName, PortError,
    PortName, Rotation, RotationTerms, Scope, Tier,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::column::{get, one_of, organization, parse, parse_some, stored};
use crate::database::Database;
use crate::failure::Failure;
use crate::statement::Statement;

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

/// `$1` the old key, `$2` to `$4` the fresh one, `$5` now, `$6` when the old one ends, `$7` when the fresh one does.
///
/// The old row is locked before it is judged, so that of several who rotate it one finds it unreplaced. The fresh row
/// is made of the old one as it was found.
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

/// API keys in the table `api_keys`. There is no cache: a revocation is in force for the next call (invariant I13).
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

/// A key as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// What the store knows of it.
    pub record: KeyRecord,
    /// The operator's name for it.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last used, less than an hour early, where [`PgKeyUsage`](crate::PgKeyUsage) takes note; `None`:
    /// never, or not since notes are taken.
    pub last_used_at: Option<OffsetDateTime>,
    /// The key that took its place when it was rotated.
    pub replaced_by: Option<KeyId>,
    /// The key in whose place it is.
    pub rotated_from: Option<KeyId>,
}

impl PgKeyStore {
    /// The keys of `database`.
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
                    &record.organization_name.as_str(),
                    &name,
                    &scopes,
                    &tier.name.as_ref(),
                    &i64::from(tier.reads_per_minute),
                    &i64::from(tier.writes_per_minute),
                    &i64::from(tier.writes_per_day),
                    &record.return_hosts,
                    &stored(created_at),
                    &record.revoked_at.map(stored),
                    &record.expires_at.map(stored),
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

    /// One key as an operator sees it; `None` where there is none.
    ///
    /// # Errors
    /// Infrastructure only.
    pub async fn entry(&self, id: &KeyId) -> Result<Option<KeyEntry>, PortError> {
        let row = self.database.row(&self.entry, &[&id.as_str()]).await.map_err(at)?;
        row.as_ref().map(entry).transpose().map_err(at)
    }

    /// Puts `fresh` in the place of the key `id`, in one statement: the fresh key has all that the old one had but for
    /// its id, its secret and its expiry, and the old one ends as the terms say, never later than it would have. Of
    /// several who rotate one key at the same time one wins, and the others are told which key took its place.
    ///
    /// # Errors
    /// Infrastructure only; it was rotated or not, and [`PgKeyStore::entry`] tells. Where the answer was lost the fresh
    /// key's secret is, too: rotate the fresh key.
    pub async fn rotate(
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
                    &stored(now),
                    &stored(terms.old_expires_at),
                    &terms.expires_at.map(stored),
                ],
            )
            .await
            .map_err(at)?;
        if let Some(row) = row {
            let rotated = || -> Result<_, Failure> {
                Ok(Rotation::Rotated {
                    fresh: Box::new(record(&row)?),
                    old_expires_at: get(&row, "old_expires_at")?,
                })
            };
            return rotated().map_err(at);
        }
        // What refuses a rotation is final, so that it can still be read: nothing makes a key rotatable again.
        let old = self.entry(id).await?;
        let replaced_by = old.as_ref().and_then(|old| old.replaced_by.as_ref());
        match rotation::check(old.as_ref().map(|old| &old.record), replaced_by, fresh, stored(now)) {
            Err(reason) => Ok(Rotation::Refused(reason)),
            Ok(()) => Err(at(Failure::Contended(1))),
        }
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
    Ok(KeyEntry {
        record: record(row)?,
        name: get(row, "name")?,
        created_at: get(row, "created_at")?,
        last_used_at: get(row, "last_used_at")?,
        replaced_by: parse_some(row, "replaced_by", KeyId::parse)?,
        rotated_from: parse_some(row, "rotated_from", KeyId::parse)?,
    })
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
        organization_name: parse(row, "organization_name", OrganizationName::new)?,
        scopes: scopes.into_iter().map(Scope::parse).collect(),
        tier: Tier {
            name: Cow::Owned(get(row, "tier")?),
            reads_per_minute: per("reads_per_minute")?,
            writes_per_minute: per("writes_per_minute")?,
            writes_per_day: per("writes_per_day")?,
        },
        return_hosts: get(row, "allowed_return_domains")?,
        revoked_at: get(row, "revoked_at")?,
        expires_at: get(row, "expires_at")?,
    })
}

#[async_trait]
impl KeyStore for PgKeyStore {
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        let row = self.database.row(&self.find, &[&id.as_str()]).await.map_err(at)?;
        row.as_ref().map(record).transpose().map_err(at)
    }
}
