mod insert;
mod observe;
mod sql;

use async_trait::async_trait;
use dockline::ports::{
    BindingRepo, InsertOutcome, Observation, ObserveOutcome, ReconcileCursor, ReleaseOutcome,
};
use dockline::{
    AccountId, Actor, Binding, InstallationId, InstallationRecord, NewBinding, OrganizationId, PortError,
    PortName,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::column::{
    account, account_id, get, installation, organization, parse, parse_some, proof, status, stored,
};
use crate::database::Database;
use crate::failure::Failure;
use crate::statement::Statement;

/// Bindings and what is known of the installations that they are to: one row per installation in `installations`,
/// bound or not, one per binding there ever was in `bindings`, and who installed what in `installers`.
///
/// Every change is one statement, which is a transaction by itself; nothing more than READ COMMITTED is needed.
#[derive(Debug, Clone)]
pub struct PgBindingRepo {
    database: Database,
    find: Statement,
    find_by_installation: Statement,
    insert: Statement,
    classify: Statement,
    present: Statement,
    uninstalled: Statement,
    regranted: Statement,
    known: Statement,
    note_installer: Statement,
    installer: Statement,
    unverified_since: Statement,
    release: Statement,
}

impl PgBindingRepo {
    /// The bindings of `database`.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            find: database.statement(sql::FIND, &[Type::TEXT]),
            find_by_installation: database.statement(sql::FIND_BY_INSTALLATION, &[Type::INT8]),
            insert: database.statement(sql::INSERT, sql::INSERT_TYPES),
            classify: database.statement(sql::CLASSIFY, &[Type::TEXT, Type::INT8, Type::BYTEA]),
            present: database.statement(sql::PRESENT, sql::PRESENT_TYPES),
            uninstalled: database.statement(sql::UNINSTALLED, &[Type::INT8, Type::TIMESTAMPTZ]),
            regranted: database.statement(sql::REGRANTED, &[Type::INT8]),
            known: database.statement(sql::KNOWN, &[Type::INT8]),
            note_installer: database
                .statement(sql::NOTE_INSTALLER, &[Type::INT8, Type::INT8, Type::TIMESTAMPTZ]),
            installer: database.statement(sql::INSTALLER, &[Type::INT8]),
            unverified_since: database.statement(sql::UNVERIFIED_SINCE, sql::UNVERIFIED_SINCE_TYPES),
            release: database.statement(sql::RELEASE, &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ]),
            database: database.clone(),
        }
    }
}

fn at(failure: Failure) -> PortError {
    failure.at(PortName::BindingRepo)
}

fn binding(row: &Row) -> Result<Binding, Failure> {
    Ok(Binding {
        organization: organization(row)?,
        installation: installation(row, "installation_id")?,
        account: account(row)?,
        status: status(row)?,
        proof: proof(row, "proof")?,
        proven_by: parse_some(row, "proven_by", |id: i64| AccountId::try_from(id))?,
        actor: parse(row, "actor", Actor::new)?,
        registered_at: get(row, "registered_at")?,
        last_verified_at: get(row, "verified_at")?,
        generation: generation(row)?,
    })
}

fn record(row: &Row) -> Result<InstallationRecord, Failure> {
    let heard_of: Option<i64> = get(row, "account_id")?;
    Ok(InstallationRecord {
        organization: parse_some(row, "organization", |text: &str| OrganizationId::new(text))?,
        account: heard_of.map(|_| account(row)).transpose()?,
        status: status(row)?,
        verified_at: get(row, "verified_at")?,
        generation: generation(row)?,
    })
}

fn unverified(row: &Row) -> Result<ReconcileCursor, Failure> {
    Ok(ReconcileCursor {
        verified_at: get(row, "verified_at")?,
        installation: installation(row, "installation_id")?,
    })
}

fn generation(row: &Row) -> Result<u64, Failure> {
    parse(row, "generation", |number: i64| u64::try_from(number))
}

#[async_trait]
impl BindingRepo for PgBindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        let row = self.database.row(&self.find, &[&organization.as_str()]).await.map_err(at)?;
        row.as_ref().map(binding).transpose().map_err(at)
    }

    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError> {
        let id = i64::from(installation);
        let row = self.database.row(&self.find_by_installation, &[&id]).await.map_err(at)?;
        row.as_ref().map(binding).transpose().map_err(at)
    }

    async fn insert(&self, new: NewBinding) -> Result<InsertOutcome, PortError> {
        self.database.in_time(self.insert_or_classify(&new)).await.map_err(at)
    }

    async fn observe(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, PortError> {
        self.take_note(installation, observation).await.map_err(at)
    }

    async fn installation(
        &self,
        installation: InstallationId,
    ) -> Result<Option<InstallationRecord>, PortError> {
        let row = self.database.row(&self.known, &[&i64::from(installation)]).await.map_err(at)?;
        row.as_ref().map(record).transpose().map_err(at)
    }

    async fn record_installer(
        &self,
        installation: InstallationId,
        installer: AccountId,
        noted_at: OffsetDateTime,
    ) -> Result<(), PortError> {
        let (id, installer) = (i64::from(installation), i64::from(installer));
        let noted = self.database.rows(&self.note_installer, &[&id, &installer, &stored(noted_at)]).await;
        noted.map(drop).map_err(at)
    }

    async fn installer(&self, installation: InstallationId) -> Result<Option<AccountId>, PortError> {
        let row = self.database.row(&self.installer, &[&i64::from(installation)]).await.map_err(at)?;
        row.as_ref().map(|row| account_id(row, "installer")).transpose().map_err(at)
    }

    async fn stale(
        &self,
        before: OffsetDateTime,
        after: Option<ReconcileCursor>,
        limit: u32,
    ) -> Result<Vec<ReconcileCursor>, PortError> {
        let (since, id) =
            after.map(|after| (stored(after.verified_at), i64::from(after.installation))).unzip();
        let rows = self
            .database
            .rows(&self.unverified_since, &[&stored(before), &since, &id, &i64::from(limit)])
            .await
            .map_err(at)?;
        rows.iter().map(unverified).collect::<Result<_, _>>().map_err(at)
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<ReleaseOutcome, PortError> {
        let row = self
            .database
            .row(&self.release, &[&organization.as_str(), &i64::from(installation), &stored(released_at)])
            .await
            .map_err(at)?;
        let released = row.as_ref().map(binding).transpose().map_err(at)?;
        Ok(released.map_or(ReleaseOutcome::NothingBound, ReleaseOutcome::Released))
    }
}
