use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{DataSubjects, Forgotten, Pseudonyms};
use dockline::rules::life;
use dockline::{AccountId, InstallationId, OrganizationId, PortError, PortName};
use rusqlite::{Connection, Row, params};
use time::OffsetDateTime;

use crate::bindings::rows::{record, save};
use crate::database::{AppNumber, SqliteDatabase};
use crate::decode::{column_time, count, execute, get, installation, rows};
use crate::error::SqliteError;
use crate::messages::erasure;

/// An erasure reads whole tables. Other writes wait for it.
const DEADLINE: Duration = Duration::from_secs(600);

const DELETE_BUDGETS: &str = "DELETE FROM budgets WHERE key = 'org:' || ?1 \
    OR key IN (SELECT id FROM api_keys WHERE organization = ?1)";

const DELETE_KEYS: &str = "DELETE FROM api_keys WHERE organization = ?1";

const DELETE_STATES: &str = "DELETE FROM install_states WHERE organization = ?1";

/// The installations of an organization's history that no other organization is bound to.
const OWN: &str = "SELECT DISTINCT i.app, i.installation_id FROM bindings AS b JOIN installations AS i \
     ON i.app = b.app AND i.installation_id = b.installation_id \
    WHERE b.organization = ?1 AND (i.organization IS NULL OR i.organization = ?1)";

const UNBIND: &str = "UPDATE installations SET released_at = ?2, organization = NULL WHERE organization = ?1";

const RENAME: &str = "UPDATE bindings SET organization = ?2, actor = ?3, \
     proven_by = CASE WHEN proven_by IS NULL THEN NULL ELSE ?4 END, released_at = coalesce(released_at, ?5), \
     released_by = ?3 WHERE organization = ?1";

const DELETE_FACTS: &str = "DELETE FROM installation_facts WHERE app = ?1 AND installation_id = ?2";

const DELETE_INSTALLER: &str = "DELETE FROM installers WHERE app = ?1 AND installation_id = ?2";

/// States whose claim or confirmations name a person.
const DELETE_STATES_OF: &str = "DELETE FROM install_states WHERE ?1 IN (visitor, account_id) \
    OR EXISTS (SELECT 1 FROM state_confirmations AS c WHERE c.app = install_states.app \
     AND c.digest = install_states.digest AND ?1 IN (c.visitor, c.account_id))";

const REPLACE_VISITOR: &str = "UPDATE bindings SET proven_by = ?2 WHERE proven_by = ?1";

const REPLACE_INSTALLER: &str = "UPDATE installers SET installer = ?2 WHERE installer = ?1";

const FORGET_SUSPENDER: &str = "UPDATE installation_facts SET facts = json_set(facts, '$.suspendedBy', NULL) \
    WHERE facts ->> '$.suspendedBy.id' = ?1";

const ON_ACCOUNT: &str =
    "SELECT app, installation_id FROM installations WHERE account_id = ?1 AND organization IS NULL";

const STILL_BOUND: &str =
    "SELECT count(*) FROM installations WHERE account_id = ?1 AND organization IS NOT NULL";

/// Erases organizations and persons, each in one transaction, and exports the stored data of an organization, in the
/// rows of all Apps.
#[derive(Debug, Clone)]
pub struct SqliteDataSubjects {
    pub(super) database: SqliteDatabase,
}

impl SqliteDataSubjects {
    /// Uses the rows in `database`.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self { database: database.clone().with_deadline(DEADLINE) }
    }
}

fn position(row: &Row<'_>) -> Result<(AppNumber, InstallationId), SqliteError> {
    Ok((AppNumber(get(row, "app")?), installation(row, "installation_id")?))
}

/// Deletes account, facts and installer of unbound installations. Returns the numbers of installations and installers.
fn forget_installations(
    connection: &Connection,
    installations: Vec<(AppNumber, InstallationId)>,
) -> Result<(u64, u64), SqliteError> {
    let (mut forgotten, mut installers) = (0, 0);
    for (app, id) in installations {
        let Some(mut known) = record(connection, app, id)? else { continue };
        life::forget(&mut known);
        save(connection, app, id, &known)?;
        forgotten += 1;
        let values = params![app.get(), i64::from(id)];
        execute(connection, DELETE_FACTS, values)?;
        installers += execute(connection, DELETE_INSTALLER, values)? as u64;
    }
    Ok((forgotten, installers))
}

fn forget_organization(
    connection: &Connection,
    organization: &OrganizationId,
    pseudonyms: &Pseudonyms,
    at: OffsetDateTime,
) -> Result<Forgotten, SqliteError> {
    let id = organization.as_str();
    execute(connection, DELETE_BUDGETS, [id])?;
    let api_keys = execute(connection, DELETE_KEYS, [id])? as u64;
    let states = execute(connection, DELETE_STATES, [id])? as u64;
    let messages = erasure::forget_organization(connection, organization)?;
    let own = rows(connection, OWN, [id], position)?;
    execute(connection, UNBIND, params![id, column_time(at)])?;
    let (installations, installers) = forget_installations(connection, own)?;
    let values = params![
        id,
        pseudonyms.organization.as_str(),
        pseudonyms.actor.as_str(),
        i64::from(pseudonyms.person),
        column_time(at),
    ];
    let bindings = execute(connection, RENAME, values)? as u64;
    Ok(Forgotten { api_keys, states, messages, bindings, installations, installers, ..Forgotten::default() })
}

fn forget_person(
    connection: &Connection,
    user: AccountId,
    pseudonyms: &Pseudonyms,
) -> Result<Forgotten, SqliteError> {
    let (id, pseudonym) = (i64::from(user), i64::from(pseudonyms.person));
    let states = execute(connection, DELETE_STATES_OF, [id])? as u64;
    let on_account = rows(connection, ON_ACCOUNT, [id], position)?;
    let (installations, removed) = forget_installations(connection, on_account)?;
    execute(connection, FORGET_SUSPENDER, [id])?;
    let replaced = execute(connection, REPLACE_INSTALLER, [id, pseudonym])? as u64;
    let bindings = execute(connection, REPLACE_VISITOR, [id, pseudonym])? as u64;
    let erased = erasure::forget_person(connection, user, pseudonyms.person)?;
    Ok(Forgotten {
        states,
        messages: erased.messages,
        bindings,
        installations,
        installers: replaced + removed,
        still_bound: count(connection, STILL_BOUND, [id])?,
        still_waiting: erased.still_waiting,
        ..Forgotten::default()
    })
}

#[async_trait]
impl DataSubjects for SqliteDataSubjects {
    async fn forget_organization(
        &self,
        organization: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        let (organization, pseudonyms) = (organization.clone(), pseudonyms.clone());
        let forgotten = self
            .database
            .write(move |connection| forget_organization(connection, &organization, &pseudonyms, at));
        forgotten.await.map_err(port_error)
    }

    async fn forget_github_user(
        &self,
        user: AccountId,
        pseudonyms: &Pseudonyms,
        _: OffsetDateTime,
    ) -> Result<Forgotten, PortError> {
        let pseudonyms = pseudonyms.clone();
        let forgotten = self.database.write(move |connection| forget_person(connection, user, &pseudonyms));
        forgotten.await.map_err(port_error)
    }
}

fn port_error(error: SqliteError) -> PortError {
    error.of_port(PortName::Directory)
}
