use async_trait::async_trait;
use dockline::ports::{Directory, DirectoryQuery, HistoryOf, LoginFilter};
use dockline::{
    Binding, BindingState, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId, OrganizationId,
    PortError, PortName, Proof, StoredFacts,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use time::OffsetDateTime;

use crate::bindings::record_facts;
use crate::bindings::rows::{LIVE_BINDINGS, binding};
use crate::database::{AppDatabase, AppNumber};
use crate::decode::{
    column_time, installation, nullable_account_id, nullable_text, nullable_time, parse, row, rows,
    stored_time, text, time,
};
use crate::error::SqliteError;

const PORT: PortName = PortName::Directory;

const FACTS: &str =
    "SELECT facts, observed_at FROM installation_facts WHERE app = ?1 AND installation_id = ?2";

/// Lists bindings and their history for operators, and stores facts about installations in `installation_facts`.
#[derive(Debug, Clone)]
pub struct SqliteDirectory {
    database: AppDatabase,
}

impl SqliteDirectory {
    /// Uses the bindings of an App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone() }
    }
}

/// A statement with its parameters.
struct Statement {
    text: String,
    parameters: Vec<Value>,
}

impl Statement {
    fn new(text: &str, app: AppNumber) -> Self {
        Self { text: text.to_owned(), parameters: vec![app.get().into()] }
    }

    /// Adds a text in which `?` stands for the value.
    fn add(&mut self, text: &str, value: impl Into<Value>) {
        self.parameters.push(value.into());
        self.text.push_str(&text.replace('?', &format!("?{}", self.parameters.len())));
    }

    fn rows<T>(
        self,
        connection: &Connection,
        read: impl FnMut(&Row<'_>) -> Result<T, SqliteError>,
    ) -> Result<Vec<T>, SqliteError> {
        rows(connection, &self.text, params_from_iter(self.parameters), read)
    }
}

/// Each combination of conditions is a statement of its own, so that SQLite chooses the index for it.
fn list(query: &DirectoryQuery, limit: u32, app: AppNumber) -> Statement {
    let DirectoryQuery { organization, installation, account, login, state, proof, verified_before, after } =
        query;
    let mut statement = Statement::new(LIVE_BINDINGS, app);
    if let Some(organization) = organization {
        statement.add(" AND i.organization = ?", organization.as_str().to_owned());
    }
    if let Some(installation) = installation {
        statement.add(" AND i.installation_id = ?", i64::from(*installation));
    }
    if let Some(account) = account {
        statement.add(" AND i.account_id = ?", i64::from(*account));
    }
    match login {
        Some(LoginFilter::Exact(login)) => {
            statement.add(" AND lower(i.account_login) = ?", login.to_ascii_lowercase());
        }
        Some(LoginFilter::Prefix(prefix)) => {
            let low = prefix.to_ascii_lowercase();
            let high = format!("{low}{}", char::MAX);
            statement.add(" AND lower(i.account_login) >= ?", low);
            statement.add(" AND lower(i.account_login) < ?", high);
        }
        None => {}
    }
    if let Some(state) = state.map(BindingState::as_str) {
        statement.add(" AND i.state = ?", state.to_owned());
    }
    if let Some(proof) = proof.map(Proof::as_str) {
        statement.add(" AND b.proof = ?", proof.to_owned());
    }
    if let Some(before) = verified_before {
        statement.add(" AND i.status <> 'uninstalled' AND i.verified_at < ?", column_time(*before));
    }
    if let Some(after) = after {
        statement.add(" AND i.organization > ?", after.as_str().to_owned());
    }
    // The same order, by the table whose index has the condition.
    let order = if proof.is_some() { "b" } else { "i" };
    let text = format!(" AND i.organization IS NOT NULL ORDER BY {order}.organization LIMIT ?");
    statement.add(&text, i64::from(limit));
    statement
}

fn history(of: &HistoryOf, after: Option<&HistoryCursor>, limit: u32, app: AppNumber) -> Statement {
    let columns = "SELECT organization, installation_id, proof, proven_by, actor, registered_at, released_at, released_by \
                   FROM bindings WHERE app = ?1";
    let mut statement = Statement::new(columns, app);
    match of {
        HistoryOf::Organization(organization) => {
            statement.add(" AND organization = ?", organization.as_str().to_owned());
        }
        HistoryOf::Installation(installation) => {
            statement.add(" AND installation_id = ?", i64::from(*installation));
        }
    }
    if let Some(after) = after {
        statement.add(
            " AND (registered_at, organization, installation_id) > (?",
            column_time(after.registered_at),
        );
        statement.add(", ?", after.organization.as_str().to_owned());
        statement.add(", ?)", i64::from(after.installation));
    }
    statement.add(" ORDER BY registered_at, organization, installation_id LIMIT ?", i64::from(limit));
    statement
}

fn entry(row: &Row<'_>) -> Result<HistoryEntry, SqliteError> {
    Ok(HistoryEntry {
        organization: text::<OrganizationId>(row, "organization")?,
        installation: installation(row, "installation_id")?,
        proof: text(row, "proof")?,
        proven_by: nullable_account_id(row, "proven_by")?,
        actor: text(row, "actor")?,
        registered_at: time(row, "registered_at")?,
        released_at: nullable_time(row, "released_at")?,
        released_by: nullable_text(row, "released_by")?,
    })
}

#[async_trait]
impl Directory for SqliteDirectory {
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError> {
        let query = query.clone();
        self.database
            .read(PORT, move |connection, app| list(&query, limit, app).rows(connection, binding))
            .await
    }

    async fn history(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, PortError> {
        let of = of.clone();
        self.database
            .read(PORT, move |connection, app| {
                history(&of, after.as_ref(), limit, app).rows(connection, entry)
            })
            .await
    }

    async fn facts(&self, installation: InstallationId) -> Result<Option<StoredFacts>, PortError> {
        self.database
            .read(PORT, move |connection, app| {
                row(connection, FACTS, params![app.get(), i64::from(installation)], |row| {
                    let facts: InstallationFacts =
                        parse(row, "facts", |text: String| serde_json::from_str(&text))?;
                    Ok(StoredFacts { facts, observed_at: nullable_time(row, "observed_at")? })
                })
            })
            .await
    }

    async fn record_facts(
        &self,
        installation: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError> {
        let (facts, asked_at) = (facts.clone(), asked_at.map(stored_time));
        self.database
            .write(PORT, move |connection, app| record_facts(connection, app, installation, &facts, asked_at))
            .await
    }
}
