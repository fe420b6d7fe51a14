//! Inserts and releases bindings.

use dockline::ports::{InsertOutcome, Observation, ReleaseOutcome};
use dockline::rules::life::{self, LiveBindings};
use dockline::{Actor, Change, InstallationFacts, InstallationId, NewBinding, OrganizationId, Status};
use rusqlite::{Connection, params};
use time::OffsetDateTime;

use super::changes::{self, ChangeId};
use super::rows::{live_binding, record, save};
use crate::database::AppNumber;
use crate::decode::{column_time, execute, exists, json, stored_time};
use crate::error::SqliteError;

/// The maximum number of bytes of facts.
const FACTS_BYTES: usize = 32_768;

const IS_SPENT: &str = "SELECT 1 FROM bindings WHERE app = ?1 AND organization = ?2 AND spent = ?3";

const INSERT: &str = "INSERT INTO bindings (app, organization, spent, installation_id, proof, proven_by, actor, \
     registered_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const RELEASE: &str = "UPDATE bindings SET released_at = ?3, released_by = ?4 \
    WHERE app = ?1 AND organization = ?2 AND released_at IS NULL";

const RELEASE_INSTALLATION: &str =
    "UPDATE installations SET released_at = ?3 WHERE app = ?1 AND installation_id = ?2";

const STORE_FACTS: &str = "INSERT INTO installation_facts AS kept (app, installation_id, facts, observed_at) \
    SELECT app, installation_id, ?3, ?4 FROM installations WHERE app = ?1 AND installation_id = ?2 \
    ON CONFLICT (app, installation_id) DO UPDATE SET facts = excluded.facts, observed_at = excluded.observed_at \
    WHERE kept.observed_at IS NULL OR excluded.observed_at >= kept.observed_at";

/// Writes a binding, or returns why it cannot be. The transaction is the only one that writes, and unique indexes hold in any case.
pub(super) fn insert(
    connection: &Connection,
    app: AppNumber,
    new: &NewBinding,
    id: &ChangeId,
) -> Result<InsertOutcome, SqliteError> {
    if let Some(binding) = live_binding(connection, app, &new.organization)? {
        return Ok(InsertOutcome::Occupied(binding));
    }
    let before = record(connection, app, new.installation)?;
    if before.as_ref().is_some_and(|before| before.organization.is_some()) {
        return Ok(InsertOutcome::Taken);
    }
    let asked_at = stored_time(new.last_verified_at);
    if before.as_ref().is_some_and(|before| !life::can_be_bound(before, asked_at))
        || new.status == Status::Uninstalled
    {
        return Ok(InsertOutcome::Gone);
    }
    let (organization, spent) = (new.organization.as_str(), new.spent.as_bytes());
    if exists(connection, IS_SPENT, params![app.get(), organization, spent])? {
        return Ok(InsertOutcome::Spent);
    }
    let observation = Observation::Present {
        status: new.status,
        account: new.account.clone(),
        asked_at,
        next_look_at: stored_time(new.next_look_at),
    };
    let after = match before.clone() {
        // Facts that are older than the stored ones change nothing, but the binding is made.
        Some(mut record) => {
            life::observe(&mut record, &observation, LiveBindings::default);
            Some(record)
        }
        None => life::first(&observation),
    };
    let Some(mut after) = after else { return Ok(InsertOutcome::Gone) };
    after.organization = Some(new.organization.clone());
    save(connection, app, new.installation, &after)?;
    let values = params![
        app.get(),
        organization,
        spent,
        i64::from(new.installation),
        new.proof.as_str(),
        new.proven_by.map(i64::from),
        new.actor.as_str(),
        column_time(new.registered_at),
    ];
    execute(connection, INSERT, values)?;
    if let Some(facts) = &new.facts {
        let facts = json("facts", facts)?;
        // Facts that are too large must not prevent a binding.
        if facts.len() <= FACTS_BYTES {
            store_facts(connection, app, new.installation, &facts, Some(asked_at))?;
        }
    }
    let change = Change {
        installation: new.installation,
        before: before.as_ref().map(Into::into),
        after: (&after).into(),
        actor: Some(new.actor.clone()),
    };
    changes::store(connection, app, &change, id)?;
    let stored = live_binding(connection, app, &new.organization)?;
    stored.map(InsertOutcome::Inserted).ok_or_else(|| SqliteError::corrupt("organization", "not stored"))
}

/// Stores facts as JSON, unless those of a later request are stored or the installation is unknown.
fn store_facts(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
    facts: &str,
    asked_at: Option<OffsetDateTime>,
) -> Result<(), SqliteError> {
    let values = params![app.get(), i64::from(installation), facts, asked_at.map(column_time)];
    execute(connection, STORE_FACTS, values).map(drop)
}

/// [`store_facts`] of facts.
pub(crate) fn record_facts(
    connection: &Connection,
    app: AppNumber,
    installation: InstallationId,
    facts: &InstallationFacts,
    asked_at: Option<OffsetDateTime>,
) -> Result<(), SqliteError> {
    store_facts(connection, app, installation, &json("facts", facts)?, asked_at)
}

/// Ends a binding.
pub(super) fn release(
    connection: &Connection,
    app: AppNumber,
    organization: &OrganizationId,
    installation: InstallationId,
    actor: &Actor,
    id: &ChangeId,
) -> Result<ReleaseOutcome, SqliteError> {
    let bound = live_binding(connection, app, organization)?;
    let Some(binding) = bound.filter(|binding| binding.installation == installation) else {
        return Ok(ReleaseOutcome::NothingBound);
    };
    let Some(before) = record(connection, app, installation)? else {
        return Ok(ReleaseOutcome::NothingBound);
    };
    let mut after = before.clone();
    after.organization = None;
    after.generation = after.generation.saturating_add(1);
    save(connection, app, installation, &after)?;
    let released_at = column_time(id.at);
    execute(connection, RELEASE_INSTALLATION, params![app.get(), i64::from(installation), released_at])?;
    execute(connection, RELEASE, params![app.get(), organization.as_str(), released_at, actor.as_str()])?;
    if let Some(change) = Change::between(installation, Some(&before), &after) {
        changes::store(connection, app, &Change { actor: Some(actor.clone()), ..change }, id)?;
    }
    Ok(ReleaseOutcome::Released(binding))
}
