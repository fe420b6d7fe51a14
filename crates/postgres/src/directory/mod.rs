#[cfg(test)]
mod tests;

use async_trait::async_trait;
use dockline::ports::{Directory, DirectoryQuery, HistoryOf, LoginFilter};
use dockline::{
    AccountId, Actor, Binding, BindingState, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId,
    OrganizationId, PortError, PortName, Proof, StoredFacts,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::binding_repo::binding;
use crate::binding_repo::sql::BINDING_COLUMNS;
use crate::database::{AppDatabase, StatementMode};
use crate::decode::{column_time, get, installation, parse, parse_nullable, parse_text};
use crate::error::DatabaseError;

/// The state of `i` in one word: the expression of the index `installations_by_state`.
const STATE: &str = "CASE WHEN i.uninstalled_by IN ('deletion', 'us') THEN 'uninstalled' \
    WHEN i.ending_since IS NOT NULL THEN 'ending' WHEN i.status = 'uninstalled' THEN 'absent' \
    WHEN i.missing_since IS NOT NULL THEN 'missing' ELSE i.status END";

/// The parameters of a list. Each statement uses those of its conditions.
const LIST_TYPES: &[Type] = &[
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::TEXT,
    Type::INT8,
];

const HISTORY: &str = "SELECT organization, installation_id, proof, proven_by, actor, registered_at, released_at, \
    released_by FROM {schema}.bindings WHERE app = {app} AND ";

const HISTORY_TYPES: &[Type] =
    &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::TEXT, Type::INT8, Type::INT8];

const FACTS: &str = "SELECT facts::text AS facts, observed_at FROM {schema}.installation_facts \
    WHERE app = {app} AND installation_id = $1";

const RECORD_FACTS: &str = "INSERT INTO {schema}.installation_facts AS kept \
    (app, installation_id, facts, observed_at) \
    SELECT app, installation_id, $2::jsonb, $3 FROM {schema}.installations \
    WHERE app = {app} AND installation_id = $1 \
    ON CONFLICT ON CONSTRAINT installation_facts_pkey DO UPDATE \
    SET facts = excluded.facts, observed_at = excluded.observed_at \
    WHERE kept.observed_at IS NULL OR excluded.observed_at >= kept.observed_at";

/// If fewer bindings meet a condition on a range, they are read by its index and sorted, and otherwise found in the order of
/// the list. The planner takes the latter for rare ones, too, since it expects them to be spread evenly.
const RARE: i64 = 2_000;

/// Violated if the installation is deleted while its facts are written.
const INSTALLATION: &str = "installation_facts_installation";

/// Lists bindings and their history for operators, and stores facts about installations in `installation_facts`.
///
/// Each combination of conditions is a statement of its own, planned for its values.
#[derive(Debug, Clone)]
pub struct PgDirectory {
    database: AppDatabase,
}

impl PgDirectory {
    /// Uses the bindings in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        // A plan for all values would not use the index of a rare one.
        let planned = database.database().clone().with_statement_mode(StatementMode::Unnamed);
        Self { database: planned.with_app(database.app()) }
    }

    async fn page(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, DatabaseError> {
        let is_rare = match range_conditions(query) {
            Some(conditions) => self.matches(query, &conditions).await? < RARE,
            None => false,
        };
        let rows = self.select(&list(query, is_rare), query, i64::from(limit)).await?;
        rows.iter().map(binding).collect()
    }

    /// Counts the bindings that meet the conditions, up to [`RARE`].
    async fn matches(&self, query: &DirectoryQuery, conditions: &str) -> Result<i64, DatabaseError> {
        let rows = self.select(&count(conditions), query, RARE).await?;
        rows.first().map_or(Ok(0), |row| get(row, "number"))
    }

    async fn select(
        &self,
        template: &str,
        query: &DirectoryQuery,
        limit: i64,
    ) -> Result<Vec<Row>, DatabaseError> {
        let (low, high) = query.login.as_ref().map(login_range).unzip();
        let statement = self.database.statement(template, LIST_TYPES);
        self.database
            .database()
            .rows(
                &statement,
                &[
                    &query.organization.as_ref().map(OrganizationId::as_str),
                    &query.installation.map(i64::from),
                    &query.account.map(i64::from),
                    &low,
                    &high,
                    &query.state.map(BindingState::as_str),
                    &query.proof.map(Proof::as_str),
                    &query.verified_before.map(column_time),
                    &query.after.as_ref().map(OrganizationId::as_str),
                    &limit,
                ],
            )
            .await
    }

    async fn entries(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, DatabaseError> {
        let (organization, installation) = match of {
            HistoryOf::Organization(organization) => (Some(organization.as_str()), None),
            HistoryOf::Installation(installation) => (None, Some(i64::from(*installation))),
        };
        let whose = if organization.is_some() { "organization = $1" } else { "installation_id = $2" };
        let position = if after.is_some() {
            " AND (registered_at, organization, installation_id) > ($3, $4, $5)"
        } else {
            ""
        };
        let order = " ORDER BY registered_at, organization, installation_id LIMIT $6";
        let statement = self.database.statement(&format!("{HISTORY}{whose}{position}{order}"), HISTORY_TYPES);
        let rows = self
            .database
            .database()
            .rows(
                &statement,
                &[
                    &organization,
                    &installation,
                    &after.as_ref().map(|after| column_time(after.registered_at)),
                    &after.as_ref().map(|after| after.organization.as_str()),
                    &after.as_ref().map(|after| i64::from(after.installation)),
                    &i64::from(limit),
                ],
            )
            .await?;
        rows.iter().map(entry).collect()
    }

    async fn stored_facts(&self, id: InstallationId) -> Result<Option<StoredFacts>, DatabaseError> {
        let statement = self.database.statement(FACTS, &[Type::INT8]);
        let row = self.database.database().row(&statement, &[&i64::from(id)]).await?;
        row.map(|row| {
            let facts: InstallationFacts = parse(&row, "facts", |text: &str| serde_json::from_str(text))?;
            Ok(StoredFacts { facts, observed_at: get(&row, "observed_at")? })
        })
        .transpose()
    }

    async fn write_facts(
        &self,
        id: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), DatabaseError> {
        let statement = self.database.statement(RECORD_FACTS, &[Type::INT8, Type::TEXT, Type::TIMESTAMPTZ]);
        let json = serde_json::to_string(facts).map_err(|error| DatabaseError::corrupt("facts", error))?;
        let written = self
            .database
            .database()
            .rows(&statement, &[&i64::from(id), &json, &asked_at.map(column_time)])
            .await;
        match written {
            Err(error) if error.violated() == Some(INSTALLATION) => Ok(()),
            written => written.map(drop),
        }
    }
}

/// The conditions on ranges, which match any part of the rows, in any place of the list's order.
fn range_conditions(query: &DirectoryQuery) -> Option<String> {
    let mut conditions = Vec::new();
    if let Some(LoginFilter::Prefix(_)) = query.login {
        conditions.push("lower(i.account_login COLLATE \"C\") >= $4");
        conditions.push("lower(i.account_login COLLATE \"C\") < $5");
    }
    if query.verified_before.is_some() {
        // The condition of the index `installations_unverified`.
        conditions.push("i.verified_at < $8 AND i.status <> 'uninstalled'");
    }
    if conditions.is_empty() { None } else { Some(conditions.join(" AND ")) }
}

fn count(conditions: &str) -> String {
    format!(
        "SELECT count(*) AS number FROM (SELECT FROM {{schema}}.installations AS i \
         WHERE i.app = {{app}} AND i.organization IS NOT NULL AND {conditions} LIMIT $10) AS matching"
    )
}

/// Returns the statement with the conditions of the query. `i` and `b` are joined by the organization alone, which is unique
/// in both: a second column would make the planner expect so few rows that it reads all of them. If few rows match, all
/// of them are read and sorted, which an expression in place of the column enforces.
fn list(query: &DirectoryQuery, is_rare: bool) -> String {
    let mut text = format!(
        "SELECT {BINDING_COLUMNS} FROM {{schema}}.installations AS i JOIN {{schema}}.bindings AS b \
         ON b.app = i.app AND b.organization = i.organization AND b.released_at IS NULL \
         WHERE i.app = {{app}} AND b.app = {{app}} AND i.organization IS NOT NULL"
    );
    let mut add = |condition: &str| {
        text.push_str(" AND ");
        text.push_str(condition);
    };
    if query.organization.is_some() {
        add("i.organization = $1");
    }
    if query.installation.is_some() {
        add("i.installation_id = $2");
    }
    if query.account.is_some() {
        add("i.account_id = $3");
    }
    if let Some(LoginFilter::Exact(_)) = query.login {
        add("lower(i.account_login COLLATE \"C\") = $4");
    }
    if let Some(conditions) = range_conditions(query) {
        add(&conditions);
    }
    if query.state.is_some() {
        add(&format!("({STATE}) = $6"));
    }
    if query.proof.is_some() {
        add("b.proof = $7");
    }
    if query.after.is_some() {
        // For both, since the planner derives only equalities.
        add("i.organization > $9 AND b.organization > $9");
    }
    let order = if is_rare { "(i.organization || '') COLLATE \"C\"" } else { "i.organization" };
    text.push_str(&format!(" ORDER BY {order} LIMIT $10"));
    text
}

/// Returns the least login that matches, and the end of those with this prefix.
fn login_range(filter: &LoginFilter) -> (String, String) {
    let (LoginFilter::Exact(text) | LoginFilter::Prefix(text)) = filter;
    let low = text.to_ascii_lowercase();
    let high = format!("{low}{}", char::MAX);
    (low, high)
}

fn entry(row: &Row) -> Result<HistoryEntry, DatabaseError> {
    Ok(HistoryEntry {
        organization: parse_text(row, "organization")?,
        installation: installation(row, "installation_id")?,
        proof: parse_text(row, "proof")?,
        proven_by: parse_nullable(row, "proven_by", |id: i64| AccountId::try_from(id))?,
        actor: parse_text(row, "actor")?,
        registered_at: get(row, "registered_at")?,
        released_at: get(row, "released_at")?,
        released_by: parse_nullable(row, "released_by", |text: &str| Actor::new(text))?,
    })
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::Directory)
}

#[async_trait]
impl Directory for PgDirectory {
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError> {
        self.page(query, limit).await.map_err(port_error)
    }

    async fn history(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, PortError> {
        self.entries(of, after, limit).await.map_err(port_error)
    }

    async fn facts(&self, installation: InstallationId) -> Result<Option<StoredFacts>, PortError> {
        self.stored_facts(installation).await.map_err(port_error)
    }

    async fn record_facts(
        &self,
        installation: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError> {
        self.write_facts(installation, facts, asked_at).await.map_err(port_error)
    }
}
