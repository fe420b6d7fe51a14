use dockline::ports::{Observation, ObserveOutcome};
use dockline::{Account, InstallationId, Status};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::PgBindingRepo;
use crate::column::{one_of, stored};
use crate::failure::Failure;

const ANSWERS: [ObserveOutcome; 3] =
    [ObserveOutcome::Recorded, ObserveOutcome::Outdated, ObserveOutcome::Gone];

/// As the statements spell it.
const fn spelled(observed: ObserveOutcome) -> &'static str {
    match observed {
        ObserveOutcome::Recorded => "recorded",
        ObserveOutcome::Outdated => "outdated",
        ObserveOutcome::Gone => "gone",
    }
}

/// No row is one that was not written: nothing changed.
fn observed(row: Option<&Row>) -> Result<ObserveOutcome, Failure> {
    row.map_or(Ok(ObserveOutcome::Outdated), |row| one_of(row, "observed", ANSWERS, spelled))
}

impl PgBindingRepo {
    pub(super) async fn take_note(
        &self,
        installation: InstallationId,
        observation: Observation,
    ) -> Result<ObserveOutcome, Failure> {
        match observation {
            Observation::Present { status: Status::Uninstalled, account: _, verified_at }
            | Observation::Uninstalled { verified_at } => self.uninstall(installation, verified_at).await,
            Observation::Present { status, account, verified_at } => {
                self.learn(installation, status, &account, verified_at).await
            }
            Observation::PermissionsChanged => self.regrant(installation).await,
        }
    }

    async fn learn(
        &self,
        installation: InstallationId,
        status: Status,
        account: &Account,
        verified_at: OffsetDateTime,
    ) -> Result<ObserveOutcome, Failure> {
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
                    &stored(verified_at),
                ],
            )
            .await?;
        observed(row.as_ref())
    }

    async fn uninstall(
        &self,
        installation: InstallationId,
        verified_at: OffsetDateTime,
    ) -> Result<ObserveOutcome, Failure> {
        let (id, verified_at) = (i64::from(installation), stored(verified_at));
        self.database.rows(&self.uninstalled, &[&id, &verified_at]).await?;
        Ok(ObserveOutcome::Recorded)
    }

    async fn regrant(&self, installation: InstallationId) -> Result<ObserveOutcome, Failure> {
        let row = self.database.row(&self.regranted, &[&i64::from(installation)]).await?;
        observed(row.as_ref())
    }
}
