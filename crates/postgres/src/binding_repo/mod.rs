mod insert;
mod sql;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Insertion, Observation, Release};
use dockline::{
    Account, AccountId, Binding, InstallationId, NewBinding, OrganizationId, PortError, PortName, Status,
};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::column::{account, get, installation, organization, parse, parse_some, proof, status, stored};
use crate::database::Database;
use crate::failure::Failure;
use crate::statement::Statement;

/// Bindings and what is known of the installations that they are to: one row per installation in `installations`,
/// bound or not, and one per binding there ever was in `bindings`.
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
            release: database.statement(sql::RELEASE, &[Type::TEXT, Type::INT8, Type::TIMESTAMPTZ]),
            database: database.clone(),
        }
    }

    async fn observe_present(
        &self,
        installation: InstallationId,
        status: Status,
        account: &Account,
        verified_at: OffsetDateTime,
    ) -> Result<(), Failure> {
        self.database
            .rows(
                &self.present,
                &[
                    &i64::from(installation),
                    &i64::from(account.id),
                    &account.login,
                    &account.kind.as_str(),
                    &status.as_str(),
                    &stored(verified_at),
                ],
            )
            .await
            .map(drop)
    }

    async fn observe_uninstalled(
        &self,
        installation: InstallationId,
        verified_at: OffsetDateTime,
    ) -> Result<(), Failure> {
        let (id, verified_at) = (i64::from(installation), stored(verified_at));
        self.database.rows(&self.uninstalled, &[&id, &verified_at]).await.map(drop)
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
        registered_at: get(row, "registered_at")?,
        last_verified_at: get(row, "verified_at")?,
        generation: parse(row, "generation", |number: i64| u64::try_from(number))?,
    })
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

    async fn insert(&self, new: NewBinding) -> Result<Insertion, PortError> {
        self.database.in_time(self.insert_or_classify(&new)).await.map_err(at)
    }

    async fn observe(&self, installation: InstallationId, observation: Observation) -> Result<(), PortError> {
        match observation {
            Observation::Present { status: Status::Uninstalled, account: _, verified_at }
            | Observation::Uninstalled { verified_at } => {
                self.observe_uninstalled(installation, verified_at).await
            }
            Observation::Present { status, account, verified_at } => {
                self.observe_present(installation, status, &account, verified_at).await
            }
        }
        .map_err(at)
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<Release, PortError> {
        let row = self
            .database
            .row(&self.release, &[&organization.as_str(), &i64::from(installation), &stored(released_at)])
            .await
            .map_err(at)?;
        let released = row.as_ref().map(binding).transpose().map_err(at)?;
        Ok(released.map_or(Release::NothingBound, Release::Released))
    }
}
