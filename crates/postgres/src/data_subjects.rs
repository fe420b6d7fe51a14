use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{DataSubjects, Forgotten, Pseudonyms};
use dockline::{AccountId, OrganizationId, PortError, PortName};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::{Database, Parameters};
use crate::decode::{column_time, parse};
use crate::error::DatabaseError;

/// These statements read whole tables, which other calls do not wait for.
const DEADLINE: Duration = Duration::from_secs(600);

/// The SET list of an unbound installation whose account is deleted; see `rules::life::forget` of the core. Such a row is
/// absent and has no account, so that a later response of GitHub counts, and is purged like other unbound ones.
macro_rules! scrubbed {
    () => {
        "status = 'uninstalled', \
         uninstalled_by = CASE WHEN i.uninstalled_by IN ('deletion', 'us') THEN i.uninstalled_by ELSE 'absence' END, \
         account_id = NULL, account_login = NULL, account_kind = NULL, next_look_at = NULL, \
         missing_since = NULL, missing_looks = NULL, missing_last = NULL, denied_number = NULL, ending_since = NULL, previous = NULL, \
         generation = i.generation + 1"
    };
}

/// The rows that belong to the installations of the row set `scrubbed`.
macro_rules! without_installations {
    () => {
        "facts AS ( \
          DELETE FROM {schema}.installation_facts AS f USING scrubbed AS s \
          WHERE f.app = s.app AND f.installation_id = s.installation_id \
         ), installers AS ( \
          DELETE FROM {schema}.installers AS f USING scrubbed AS s \
          WHERE f.app = s.app AND f.installation_id = s.installation_id RETURNING true \
         )"
    };
}

// After the macros, which it uses.
mod person;

/// One statement, so that it is done completely or not at all. `$1` the organization, `$2` its pseudonym, `$3` that of
/// actors, `$4` that of visitors, `$5` the time.
const FORGET_ORGANIZATION: &str = concat!(
    "WITH keys AS ( \
      DELETE FROM {schema}.api_keys WHERE organization = $1 RETURNING id \
     ), budgets AS ( \
      DELETE FROM {schema}.budgets WHERE key = 'org:' || $1 \
       OR key IN (SELECT id FROM {schema}.api_keys WHERE organization = $1) \
     ), earlier_budgets AS ( \
      DELETE FROM {schema}.rate_buckets WHERE key_id = 'org:' || $1 \
       OR key_id IN (SELECT id FROM {schema}.api_keys WHERE organization = $1) \
     ), states AS ( \
      DELETE FROM {schema}.install_states WHERE organization = $1 RETURNING true \
     ), queues AS ( \
      DELETE FROM {schema}.outbox_queues WHERE organization = $1 \
     ), messages AS ( \
      DELETE FROM {schema}.outbox_entries WHERE organization = $1 RETURNING true \
     ), bodies AS ( \
      DELETE FROM {schema}.outbox_bodies WHERE organization = $1 \
     ), scrubbed AS ( \
      UPDATE {schema}.installations AS i SET organization = NULL, \
       released_at = CASE WHEN i.organization IS NULL THEN i.released_at ELSE $5 END, ",
    scrubbed!(),
    " WHERE i.organization = $1 OR (i.organization IS NULL AND EXISTS (SELECT FROM {schema}.bindings AS b \
        WHERE b.app = i.app AND b.installation_id = i.installation_id AND b.organization = $1)) \
      RETURNING i.app, i.installation_id \
     ), ",
    without_installations!(),
    ", history AS ( \
      UPDATE {schema}.bindings SET organization = $2, actor = $3, \
       proven_by = CASE WHEN proven_by IS NULL THEN NULL ELSE $4 END, released_at = COALESCE(released_at, $5), \
       released_by = CASE WHEN released_at IS NULL OR released_by IS NOT NULL THEN $3 END \
      WHERE organization = $1 RETURNING true \
     ) SELECT (SELECT count(*) FROM keys) AS keys, (SELECT count(*) FROM states) AS states, \
      (SELECT count(*) FROM messages) AS messages, \
      (SELECT count(*) FROM history) AS bindings, (SELECT count(*) FROM scrubbed) AS installations, \
      (SELECT count(*) FROM installers) AS installers, 0::bigint AS still_bound, 0::bigint AS still_waiting"
);

/// The tables of an export, and their rows of organization `$1`. Digests and hashes of secrets are left out.
const EXPORTED: [(&str, &str); 9] = [
    (
        "apiKeys",
        "SELECT to_jsonb(t) - 'secret_hash' AS entry FROM {schema}.api_keys AS t WHERE organization = $1 ORDER BY t.id",
    ),
    (
        "budgets",
        "SELECT to_jsonb(t) AS entry FROM {schema}.budgets AS t WHERE key = 'org:' || $1 \
         OR key IN (SELECT id FROM {schema}.api_keys WHERE organization = $1) ORDER BY t.key, t.class",
    ),
    (
        "installStates",
        "SELECT to_jsonb(t) - '{digest,codes,visit_ticket,visit_browser}'::text[] || jsonb_build_object( \
          'pending', (SELECT COALESCE(jsonb_agg(p - '{ticket,browser}'::text[]), '[]') \
           FROM jsonb_array_elements(t.pending) AS p), \
          'answered', t.answered - '{ticket,browser}'::text[]) AS entry \
         FROM {schema}.install_states AS t WHERE organization = $1 ORDER BY t.issued_at",
    ),
    (
        "messageQueues",
        "SELECT to_jsonb(t) AS entry FROM {schema}.outbox_queues AS t WHERE organization = $1 ORDER BY t.app",
    ),
    (
        "messages",
        "SELECT to_jsonb(t) - 'digest' || jsonb_build_object('body', convert_from(b.body, 'UTF8')) AS entry \
         FROM {schema}.outbox_entries AS t LEFT JOIN {schema}.outbox_bodies AS b \
          ON b.app = t.app AND b.organization = t.organization AND b.sequence = t.sequence \
         WHERE t.organization = $1 ORDER BY t.app, t.sequence",
    ),
    (
        "bindings",
        "SELECT to_jsonb(t) - 'spent' AS entry FROM {schema}.bindings AS t WHERE organization = $1 ORDER BY t.registered_at",
    ),
    (
        "installations",
        "SELECT to_jsonb(t) AS entry FROM {schema}.installations AS t WHERE organization = $1 ORDER BY t.app",
    ),
    (
        "installationFacts",
        "SELECT to_jsonb(t) AS entry FROM {schema}.installation_facts AS t JOIN {schema}.installations AS i \
         ON i.app = t.app AND i.installation_id = t.installation_id WHERE i.organization = $1 ORDER BY t.app",
    ),
    (
        "installers",
        "SELECT to_jsonb(t) AS entry FROM {schema}.installers AS t JOIN {schema}.installations AS i \
         ON i.app = t.app AND i.installation_id = t.installation_id WHERE i.organization = $1 ORDER BY t.app",
    ),
];

/// Erases organizations and persons, and exports the stored data of an organization, in the rows of all Apps.
#[derive(Debug, Clone)]
pub struct PgDataSubjects {
    database: Database,
}

impl PgDataSubjects {
    /// The number of tables of an export.
    pub const TABLES: u64 = EXPORTED.len() as u64;

    /// Uses the rows in `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone().with_deadline(DEADLINE) }
    }

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
        mut before_table: impl FnMut(&'static str),
    ) -> Result<Option<Map<String, Value>>, PortError> {
        let mut tables = Map::new();
        for (name, template) in EXPORTED {
            before_table(name);
            let rows = self.rows_of(template, organization).await.map_err(port_error)?;
            tables.insert(name.to_owned(), Value::Array(rows));
        }
        let is_empty = tables.values().all(|rows| rows.as_array().is_some_and(Vec::is_empty));
        Ok(if is_empty { None } else { Some(tables) })
    }

    async fn rows_of(
        &self,
        template: &str,
        organization: &OrganizationId,
    ) -> Result<Vec<Value>, DatabaseError> {
        let template = format!("SELECT entry::text AS entry FROM ({template}) AS entries");
        let statement = self.database.statement(&template, &[Type::TEXT]);
        let rows = self.database.rows(&statement, &[&organization.as_str()]).await?;
        rows.iter().map(|row| parse(row, "entry", |text: &str| serde_json::from_str(text))).collect()
    }

    async fn forget(
        &self,
        template: &str,
        types: &'static [Type],
        parameters: &Parameters<'_>,
    ) -> Result<Forgotten, PortError> {
        let statement = self.database.statement(template, types);
        let row = self.database.row(&statement, parameters).await.map_err(port_error)?;
        row.as_ref().map_or(Ok(Forgotten::default()), forgotten).map_err(port_error)
    }
}

fn forgotten(row: &Row) -> Result<Forgotten, DatabaseError> {
    let number = |column| parse(row, column, |number: i64| u64::try_from(number));
    Ok(Forgotten {
        api_keys: number("keys")?,
        states: number("states")?,
        messages: number("messages")?,
        bindings: number("bindings")?,
        installations: number("installations")?,
        installers: number("installers")?,
        still_bound: number("still_bound")?,
        still_waiting: number("still_waiting")?,
    })
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::Directory)
}

#[async_trait]
impl DataSubjects for PgDataSubjects {
    async fn forget_organization(
        &self,
        organization: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        self.forget(
            FORGET_ORGANIZATION,
            &[Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8, Type::TIMESTAMPTZ],
            &[
                &organization.as_str(),
                &pseudonyms.organization.as_str(),
                &pseudonyms.actor.as_str(),
                &i64::from(pseudonyms.person),
                &column_time(at),
            ],
        )
        .await
    }

    async fn forget_github_user(
        &self,
        user: AccountId,
        pseudonyms: &Pseudonyms,
        _: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        let parameters: &Parameters<'_> = &[&i64::from(user), &i64::from(pseudonyms.person)];
        self.forget(person::FORGET, &[Type::INT8, Type::INT8], parameters).await
    }
}
