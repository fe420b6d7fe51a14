use dockline::ports::{Observation, ObserveOutcome};
use dockline::{Account, InstallationId, Status};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::PgBindingRepo;
use crate::decode::{column_time, parse_name};
use crate::error::DatabaseError;

const OUTCOMES: [ObserveOutcome; 3] =
    [ObserveOutcome::Recorded, ObserveOutcome::Outdated, ObserveOutcome::Gone];

/// The outcome's name in the statements.
const fn name(outcome: ObserveOutcome) -> &'static str {
    match outcome {
        ObserveOutcome::Recorded => "recorded",
        ObserveOutcome::Outdated => "outdated",
        ObserveOutcome::Gone => "gone",
    }
}

/// Reads the outcome. Without a row, the installation is unknown and nothing changed.
fn outcome(row: Option<&Row>) -> Result<ObserveOutcome, DatabaseError> {
    row.map_or(Ok(ObserveOutcome::Outdated), |row| parse_name(row, "observed", OUTCOMES, name))
}

impl PgBindingRepo {
    pub(super) async fn record(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, DatabaseError> {
        match observation {
            Observation::Present { status: Status::Uninstalled, account: _, verified_at }
            | Observation::Uninstalled { verified_at } => {
                self.record_uninstalled(installation, verified_at).await
            }
            Observation::Present { status, account, verified_at } => {
                self.record_present(installation, status, &account, verified_at).await
            }
            Observation::PermissionsChanged => self.record_permissions_changed(installation).await,
        }
    }

    async fn record_present(
        &self,
        installation: InstallationId,
        status: Status,
        account: &Account,
        verified_at: OffsetDateTime,
    ) -> Result<ObserveOutcome, DatabaseError> {
        let row = self
            .database
            .row(
                &self.present,
                &[
                    &i64::from(installation),
                    &i64::from(account.id),
                    &account.login,
                    &account.kind.as_str(),
                    &status.as_str(),
                    &column_time(verified_at),
                ],
            )
            .await?;
        outcome(row.as_ref())
    }

    async fn record_uninstalled(
        &self,
        installation: InstallationId,
        verified_at: OffsetDateTime,
    ) -> Result<ObserveOutcome, DatabaseError> {
        let (id, verified_at) = (i64::from(installation), column_time(verified_at));
        self.database.rows(&self.uninstalled, &[&id, &verified_at]).await?;
        Ok(ObserveOutcome::Recorded)
    }

    async fn record_permissions_changed(
        &self,
        installation: InstallationId,
    ) -> Result<ObserveOutcome, DatabaseError> {
        let row = self.database.row(&self.permissions_changed, &[&i64::from(installation)]).await?;
        outcome(row.as_ref())
    }
}
