mod changes;
mod insert;
mod insert_sql;
mod insertions;
mod observation_sql;
mod observe;
pub(crate) mod sql;

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, Entropy, InsertOutcome, Observation, Observed, OsEntropy, ReconcileCursor, ReconcileScope,
    ReleaseOutcome,
};
use dockline::{
    AccountId, Actor, Binding, InstallationId, InstallationRecord, InstallerRecord, Life, MessageId,
    NewBinding, OrganizationId, PortError, PortName, Presence, Status, UninstalledBy,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use self::insertions::Insertions;
use crate::batch::{BatchCounts, Batcher};
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{account, account_id, column_time, get, installation, parse, parse_nullable, parse_text};
use crate::error::DatabaseError;

/// Stores bindings and facts about installations: one row per installation, bound or not, in `installations`, one per
/// live or released binding in `bindings`, and installers in `installers`.
///
/// Every change is one statement and its own transaction. READ COMMITTED is sufficient. If the App has an outbox
/// ([`PgOutbox::open`](crate::PgOutbox::open)), the statement also stores the change there.
///
/// Waiting calls of [`BindingRepo::insert`] share a statement and a commit, like those of
/// [`PgAdmission`](crate::PgAdmission). Each organization and each installation occurs in it once. If a single binding
/// makes the statement fail, or another transaction has locked a row for a tenth of a second, nothing is written, and
/// each binding is inserted by itself, so that none fails because of another one. If a call is dropped, its binding is
/// inserted, too.
#[derive(Debug, Clone)]
pub struct PgBindingRepo {
    database: Database,
    entropy: Arc<dyn Entropy>,
    find: Statement,
    insertions: Batcher<Insertions>,
    conflict: Statement,
    present: Statement,
    missing: Statement,
    ending: Statement,
    ended: Statement,
    permissions_changed: Statement,
    installation: Statement,
    record_installer: Statement,
    installer: Statement,
    postpone: Statement,
    due: Statement,
    observed_before: Statement,
    release: Statement,
}

impl PgBindingRepo {
    /// Uses the bindings in `database`.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self {
            find: database.statement(sql::FIND, &[Type::TEXT]),
            insertions: Batcher::of(Insertions::new(database), database.database()),
            conflict: database
                .statement(sql::CONFLICT, &[Type::TEXT, Type::INT8, Type::BYTEA, Type::TIMESTAMPTZ]),
            present: database.statement(observation_sql::PRESENT, observation_sql::PRESENT_TYPES),
            missing: database
                .statement(observation_sql::MISSING, &[Type::INT8, Type::TIMESTAMPTZ, Type::TEXT]),
            ending: database.statement(observation_sql::ENDING, &[Type::INT8, Type::TIMESTAMPTZ]),
            ended: database
                .statement(observation_sql::ENDED, &[Type::INT8, Type::TIMESTAMPTZ, Type::TEXT, Type::TEXT]),
            permissions_changed: database.statement(
                observation_sql::PERMISSIONS_CHANGED,
                &[Type::INT8, Type::TIMESTAMPTZ, Type::TEXT],
            ),
            installation: database.statement(sql::INSTALLATION, &[Type::INT8]),
            record_installer: database
                .statement(sql::RECORD_INSTALLER, &[Type::INT8, Type::INT8, Type::BOOL, Type::TIMESTAMPTZ]),
            installer: database.statement(sql::INSTALLER, &[Type::INT8]),
            postpone: database.statement(sql::POSTPONE, &[Type::INT8, Type::TIMESTAMPTZ]),
            due: database.statement(sql::DUE, sql::DUE_TYPES),
            observed_before: database
                .statement(sql::OBSERVED_BEFORE, &[Type::TIMESTAMPTZ, Type::INT8, Type::INT8]),
            release: database.statement(
                sql::RELEASE,
                &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::TEXT, Type::TEXT],
            ),
            database: database.database().clone(),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// Sets the source of randomness for ids of changes in the outbox.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Returns the number of statements of [`BindingRepo::insert`], and of the calls that they answered.
    #[must_use]
    pub fn counts(&self) -> BatchCounts {
        self.insertions.counts()
    }

    /// Returns the id of a change that is made at `at`.
    fn change_id(&self, at: OffsetDateTime) -> Result<MessageId, PortError> {
        let mut random = [0; 10];
        self.entropy.fill(&mut random)?;
        Ok(MessageId::of_event(column_time(at), random))
    }
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::BindingRepo)
}

pub(crate) fn binding(row: &Row) -> Result<Binding, DatabaseError> {
    Ok(Binding {
        organization: parse_text(row, "organization")?,
        installation: installation(row, "installation_id")?,
        account: account(row)?,
        status: parse_text(row, "status")?,
        life: life(row)?,
        proof: parse_text(row, "proof")?,
        proven_by: parse_nullable(row, "proven_by", |id: i64| AccountId::try_from(id))?,
        actor: parse_text(row, "actor")?,
        registered_at: get(row, "registered_at")?,
        last_verified_at: get(row, "verified_at")?,
        generation: generation(row)?,
    })
}

fn record(row: &Row) -> Result<InstallationRecord, DatabaseError> {
    let account_id: Option<i64> = get(row, "account_id")?;
    Ok(InstallationRecord {
        organization: parse_nullable(row, "organization", |text: &str| OrganizationId::new(text))?,
        account: account_id.map(|_| account(row)).transpose()?,
        status: parse_text(row, "status")?,
        life: life(row)?,
        verified_at: get(row, "verified_at")?,
        generation: generation(row)?,
    })
}

fn life(row: &Row) -> Result<Life, DatabaseError> {
    let by: Option<UninstalledBy> = parse_nullable(row, "uninstalled_by", |text: &str| text.parse())?;
    let missing: Option<OffsetDateTime> = get(row, "missing_since")?;
    let ending: Option<OffsetDateTime> = get(row, "ending_since")?;
    let presence = match (by, ending, parse_text(row, "status")?, missing) {
        (Some(by @ (UninstalledBy::Deletion | UninstalledBy::Us)), ..) => Presence::Uninstalled { by },
        (_, Some(since), ..) => Presence::Ending { since },
        // An earlier version stores an end without its source.
        (_, None, Status::Uninstalled, _) => Presence::Uninstalled { by: UninstalledBy::Absence },
        (_, None, _, Some(since)) => Presence::Missing {
            since,
            looks: parse(row, "missing_looks", |looks: i64| u32::try_from(looks))?,
            last: get(row, "missing_last")?,
        },
        (_, None, _, None) => Presence::Shown,
    };
    Ok(Life { presence, observed_at: get(row, "observed_at")?, next_look_at: get(row, "next_look_at")? })
}

fn cursor(row: &Row) -> Result<ReconcileCursor, DatabaseError> {
    Ok(ReconcileCursor {
        next_look_at: get(row, "next_look_at")?,
        installation: installation(row, "installation_id")?,
    })
}

fn generation(row: &Row) -> Result<u64, DatabaseError> {
    parse(row, "generation", |number: i64| u64::try_from(number))
}

fn installer_record(row: &Row) -> Result<InstallerRecord, DatabaseError> {
    Ok(InstallerRecord {
        installer: account_id(row, "installer")?,
        members_permission: get(row, "members_permission")?,
    })
}

#[async_trait]
impl BindingRepo for PgBindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        let row = self.database.row(&self.find, &[&organization.as_str()]).await.map_err(port_error)?;
        row.as_ref().map(binding).transpose().map_err(port_error)
    }

    async fn insert(&self, new: NewBinding) -> Result<InsertOutcome, PortError> {
        let id = self.change_id(new.registered_at)?;
        let deadline = self.database.deadline();
        let outcome = tokio::time::timeout(deadline, self.insert_or_explain(new, id)).await;
        outcome.unwrap_or_else(|_| Err(port_error(DatabaseError::Deadline(deadline))))
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<Observed, PortError> {
        let id = self.change_id(observation.at())?;
        self.record(installation, observation, &id).await.map_err(port_error)
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        let row =
            self.database.row(&self.installation, &[&i64::from(installation)]).await.map_err(port_error)?;
        row.as_ref().map(record).transpose().map_err(port_error)
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        record: InstallerRecord,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        let (id, installer) = (i64::from(installation), i64::from(record.installer));
        let values: [&(dyn ToSql + Sync); 4] =
            [&id, &installer, &record.members_permission, &column_time(noted_at)];
        self.database.rows(&self.record_installer, &values).await.map(drop).map_err(port_error)
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        let row =
            self.database.row(&self.installer, &[&i64::from(installation)]).await.map_err(port_error)?;
        row.as_ref().map(installer_record).transpose().map_err(port_error)
    }

    async fn postpone(
        &self,
        installation: InstallationId,
        next_look_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        let (id, next_look_at) = (i64::from(installation), column_time(next_look_at));
        let postponed = self.database.rows(&self.postpone, &[&id, &next_look_at]).await;
        postponed.map(drop).map_err(port_error)
    }

    async fn due(
        &self,
        scope: ReconcileScope,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        let (time, id) =
            after.map(|after| (column_time(after.next_look_at), i64::from(after.installation))).unzip();
        let limit = i64::from(limit);
        let rows = match scope {
            ReconcileScope::Due(before) => {
                self.database.rows(&self.due, &[&column_time(before), &time, &id, &limit]).await
            }
            ReconcileScope::ObservedBefore(before) => {
                self.database.rows(&self.observed_before, &[&column_time(before), &id, &limit]).await
            }
        };
        let rows = rows.map_err(port_error)?;
        rows.iter().map(cursor).collect::<Result<_, _>>().map_err(port_error)
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        actor: &Actor,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        let id = self.change_id(released_at)?;
        let row = self
            .database
            .row(
                &self.release,
                &[
                    &organization.as_str(),
                    &i64::from(installation),
                    &column_time(released_at),
                    &id.as_str(),
                    &actor.as_str(),
                ],
            )
            .await
            .map_err(port_error)?;
        let released = row.as_ref().map(binding).transpose().map_err(port_error)?;
        Ok(released.map_or(ReleaseOutcome::NothingBound, ReleaseOutcome::Released))
    }
}
