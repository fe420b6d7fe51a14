mod answers;
mod sql;

use async_trait::async_trait;
use dockline::ports::{Admission, AdmissionAnswer, AdmissionRequest};
use dockline::{ApiKeySecretHash, KeyId, PortError, PortName};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use self::answers::{Group, answers};
use crate::batch::{BatchCounts, Batched, Batcher, Outcome};
use crate::budget::microseconds;
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

const TYPES: &[Type] = &[
    Type::TEXT_ARRAY,
    Type::BYTEA_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT8_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::INT8_ARRAY,
];

/// Finds a key, charges its budget and reads the binding of its organization in one statement, which waiting calls
/// share.
///
/// While a statement is in flight, the next one collects: at most 64 calls, at most 8 with the same key. A call on an idle
/// system is sent at once. Each row that a statement returns names the key and the secret that it is about.
///
/// - The key is read in each statement, so a revocation and a new tier apply from the next request.
/// - Only valid keys with the scope are charged, in the table `budgets` that [`PgRateLimiter`](crate::PgRateLimiter) uses. A
///   refused call neither locks nor writes a row.
/// - A charge is committed asynchronously: if the server crashes, the charges of its last moment may be given back.
/// - At most 512 calls wait. If another one arrives, the newest call of the key with the most waiting calls fails with
///   [`PortErrorKind::Overloaded`](dockline::PortErrorKind::Overloaded).
/// - If another transaction has locked the budget of a key, its calls are sent again separately, so that the others do
///   not wait.
/// - If a statement fails, each half of its calls is repeated once. If the connection failed after the commit, these
///   calls are charged twice. A dropped call is charged, too.
#[derive(Debug, Clone)]
pub struct PgAdmission {
    batcher: Batcher<Statements>,
}

impl PgAdmission {
    /// Uses the keys, budgets and bindings in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        let app_database = database;
        let database = app_database.database();
        let statements = Statements {
            skipping: app_database.statement(&sql::admit(sql::SKIPPING), TYPES),
            waiting: app_database.statement(&sql::admit(sql::WAITING), TYPES),
            database: database.clone(),
        };
        Self { batcher: Batcher::of(statements, database) }
    }

    /// Returns the number of statements, and of the calls that they answered.
    #[must_use]
    pub fn counts(&self) -> BatchCounts {
        self.batcher.counts()
    }
}

#[async_trait]
impl Admission for PgAdmission {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        let line = (request.key.clone(), *request.secret_hash.as_bytes());
        self.batcher.ask(line, request).await
    }
}

struct Statements {
    database: Database,
    /// Skips locked rows.
    skipping: Statement,
    /// Waits for locked rows.
    waiting: Statement,
}

#[async_trait]
impl Batched for Statements {
    /// The secret belongs to it, so that a stranger with a wrong secret does not take the turns of the key.
    type Key = (KeyId, [u8; 32]);
    type Ask = AdmissionRequest;
    type Answer = AdmissionAnswer;

    const PORT: PortName = PortName::Admission;

    async fn execute(
        &self,
        asks: &[AdmissionRequest],
        waits: bool,
    ) -> Result<Vec<Outcome<AdmissionAnswer>>, DatabaseError> {
        let (groups, numbers) = Group::of(asks);
        let statement = if waits { &self.waiting } else { &self.skipping };
        let column = |value: fn(&AdmissionRequest) -> &str| -> Vec<&str> {
            groups.iter().map(|group| value(group.request)).collect()
        };
        let keys = column(|request| request.key.as_str());
        let hashes: Vec<&[u8]> =
            groups.iter().map(|group| group.request.secret_hash.as_bytes().as_slice()).collect();
        let environments = column(|request| request.environment.as_str());
        let scopes: Vec<Option<&str>> =
            groups.iter().map(|group| group.request.needed.as_ref().map(dockline::Scope::as_str)).collect();
        let classes = column(|request| request.class.as_str());
        let permits: Vec<i64> = groups.iter().map(|group| group.permits).collect();
        let times: Vec<_> = groups.iter().map(|group| column_time(group.now)).collect();
        let clock: Vec<i64> = groups.iter().map(|group| microseconds(group.now)).collect();
        let parameters: [&(dyn ToSql + Sync); 8] =
            [&keys, &hashes, &environments, &scopes, &classes, &permits, &times, &clock];
        let is_ours = |rows: &[Row]| are_about(rows, &groups);
        let rows = self.database.rows_if(statement, &parameters, is_ours).await?;
        if rows.len() != groups.len() {
            return Err(DatabaseError::corrupt("n", "another number of rows than of calls"));
        }
        Ok(answers(asks, &numbers, &groups, &rows))
    }
}

/// The key and the secret that a row is about.
fn about(row: &Row) -> Result<(KeyId, ApiKeySecretHash), DatabaseError> {
    let key = crate::decode::parse(row, "asked_key", KeyId::parse)?;
    let hash: &[u8] = get(row, "asked_hash")?;
    let hash = hash.try_into().map_err(|error| DatabaseError::corrupt("asked_hash", error))?;
    Ok((key, ApiKeySecretHash::from_bytes(hash)))
}

fn are_about(rows: &[Row], groups: &[Group<'_>]) -> bool {
    rows.len() == groups.len()
        && rows.iter().zip(groups).all(|(row, group)| {
            about(row)
                .is_ok_and(|(key, hash)| key == group.request.key && hash.matches(&group.request.secret_hash))
        })
}
