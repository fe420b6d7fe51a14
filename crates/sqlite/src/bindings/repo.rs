use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, Entropy, InsertOutcome, Observation, Observed, OsEntropy, ReconcileCursor, ReconcileScope,
    ReleaseOutcome,
};
use dockline::rules::life::CLOCK_TOLERANCE;
use dockline::{
    Actor, Binding, InstallationId, InstallationRecord, InstallerRecord, MessageId, NewBinding,
    OrganizationId, PortError, PortName,
};
use rusqlite::{Connection, Row, params};
use time::OffsetDateTime;

use super::changes::ChangeId;
use super::{insert, observe, rows as stored};
use crate::database::{AppDatabase, AppNumber};
use crate::decode::{account_id, column_time, execute, get, installation, row, rows, stored_time, time};
use crate::error::SqliteError;

const PORT: PortName = PortName::BindingRepo;

/// Keeps the first installer.
const RECORD_INSTALLER: &str = "INSERT INTO installers (app, installation_id, installer, members_permission, recorded_at) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (app, installation_id) DO NOTHING";

const INSTALLER: &str =
    "SELECT installer, members_permission FROM installers WHERE app = ?1 AND installation_id = ?2";

const POSTPONE: &str = "UPDATE installations SET next_look_at = ?3 \
    WHERE app = ?1 AND installation_id = ?2 AND next_look_at < ?3";

/// `?2` the time of the scope, `?3` it with the tolerance, `?4` and `?5` the cursor. 0 is below every installation id.
///
/// The second part finds looks that a wrong clock dated in the future. They are later in the order than the first part, and it
/// is one pass over the bound installations.
const DUE: &str = "SELECT next_look_at, installation_id FROM ( \
     SELECT * FROM (SELECT next_look_at, installation_id FROM installations \
      WHERE app = ?1 AND organization IS NOT NULL AND next_look_at < ?2 AND (next_look_at, installation_id) > (?4, ?5) \
      ORDER BY next_look_at, installation_id LIMIT ?6) \
     UNION ALL \
     SELECT * FROM (SELECT next_look_at, installation_id FROM installations \
      WHERE app = ?1 AND organization IS NOT NULL AND next_look_at >= ?2 AND observed_at > ?3 \
      AND (next_look_at, installation_id) > (?4, ?5) \
      ORDER BY next_look_at, installation_id LIMIT ?6)) LIMIT ?6";

/// Reads the whole table over all batches, since it serves requests of an operator only.
const OBSERVED_BEFORE: &str = "SELECT coalesce(next_look_at, observed_at) AS next_look_at, installation_id FROM installations \
    WHERE app = ?1 AND organization IS NOT NULL AND observed_at < ?2 AND presence NOT IN ('deleted', 'removed') \
     AND installation_id > ?3 ORDER BY installation_id LIMIT ?4";

/// Stores bindings and facts about installations: one row per installation, bound or not, in `installations`, one per live or
/// released binding in `bindings`, and installers in `installers`.
///
/// Every change is a transaction, in which the rules of the core decide. If the App has an outbox
/// ([`SqliteOutbox::open`](crate::SqliteOutbox::open)), the transaction also stores the change there.
#[derive(Debug, Clone)]
pub struct SqliteBindingRepo {
    database: AppDatabase,
    entropy: Arc<dyn Entropy>,
}

impl SqliteBindingRepo {
    /// Uses the bindings of an App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone(), entropy: Arc::new(OsEntropy) }
    }

    /// Sets the source of randomness for ids of changes in the outbox.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Returns the id of a change that is made at `at`.
    fn change_id(&self, at: OffsetDateTime) -> Result<ChangeId, PortError> {
        let mut random = [0; 10];
        self.entropy.fill(&mut random)?;
        let at = stored_time(at);
        Ok(ChangeId { id: MessageId::of_event(at, random), at })
    }
}

fn cursor(row: &Row<'_>) -> Result<ReconcileCursor, SqliteError> {
    Ok(ReconcileCursor {
        next_look_at: time(row, "next_look_at")?,
        installation: installation(row, "installation_id")?,
    })
}

fn due(
    connection: &Connection,
    app: AppNumber,
    scope: ReconcileScope,
    after: Option<ReconcileCursor>,
    limit: u32,
) -> Result<Vec<ReconcileCursor>, SqliteError> {
    let from = after.map_or(i64::MIN, |after| column_time(after.next_look_at));
    let id = after.map_or(0, |after| i64::from(after.installation));
    match scope {
        ReconcileScope::Due(before) => {
            let latest = column_time(before.saturating_add(CLOCK_TOLERANCE));
            let values = params![app.get(), column_time(before), latest, from, id, limit];
            rows(connection, DUE, values, cursor)
        }
        ReconcileScope::ObservedBefore(before) => {
            let values = params![app.get(), column_time(before), id, limit];
            rows(connection, OBSERVED_BEFORE, values, cursor)
        }
    }
}

#[async_trait]
impl BindingRepo for SqliteBindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        let organization = organization.clone();
        self.database
            .read(PORT, move |connection, app| stored::live_binding(connection, app, &organization))
            .await
    }

    async fn insert(&self, binding: NewBinding) -> Result<InsertOutcome, PortError> {
        let id = self.change_id(binding.registered_at)?;
        self.database.write(PORT, move |connection, app| insert::insert(connection, app, &binding, &id)).await
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        let id = self.change_id(observation.at())?;
        let observation = observation.stored();
        self.database
            .write(PORT, move |connection, app| {
                observe::observe(connection, app, installation, &observation, &id)
            })
            .await
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        self.database.read(PORT, move |connection, app| stored::record(connection, app, installation)).await
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        recorded_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.database
            .write(PORT, move |connection, app| {
                let values = params![
                    app.get(),
                    i64::from(installation),
                    i64::from(record.installer),
                    record.members_permission,
                    column_time(recorded_at),
                ];
                execute(connection, RECORD_INSTALLER, values).map(drop)
            })
            .await
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        self.database
            .read(PORT, move |connection, app| {
                row(connection, INSTALLER, params![app.get(), i64::from(installation)], |row| {
                    Ok(InstallerRecord {
                        installer: account_id(row, "installer")?,
                        members_permission: get(row, "members_permission")?,
                    })
                })
            })
            .await
    }

    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.database
            .write(PORT, move |connection, app| {
                let values = params![app.get(), i64::from(installation), column_time(next_look_at)];
                execute(connection, POSTPONE, values).map(drop)
            })
            .await
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        self.database.read(PORT, move |connection, app| due(connection, app, scope, after, limit)).await
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        let id = self.change_id(released_at)?;
        let (organization, actor) = (organization.clone(), actor.clone());
        self.database
            .write(PORT, move |connection, app| {
                insert::release(connection, app, &organization, installation, &actor, &id)
            })
            .await
    }
}
