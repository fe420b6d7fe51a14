use dockline::ports::{Observation, ObserveOutcome, Observed};
use dockline::{Account, InstallationId, MessageId, Status, UninstalledBy};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::PgBindingRepo;
use super::changes::change;
use crate::decode::{column_time, parse_text};
use crate::error::DatabaseError;

/// A 404 that loses against a concurrent one is judged again, but not endlessly: of any that meet, one is written.
const ATTEMPTS: u32 = 100;

/// The index that two statements violate if each makes an installation missing or absent.
const NUMBERED: &str = "installations_denied";

/// Reads outcome and change. Without a row, the installation is unknown and nothing changed.
fn observed(row: Option<&Row>) -> Result<Observed, DatabaseError> {
    let Some(row) = row else { return Ok(Observed { outcome: ObserveOutcome::Outdated, change: None }) };
    Ok(Observed { outcome: parse_text(row, "observed")?, change: change(row)? })
}

impl PgBindingRepo {
    pub(super) async fn record(
        &self,
        installation: InstallationId,
        observation: Observation,
        id: &MessageId,
    ) -> Result<Observed, DatabaseError> {
        match observation {
            Observation::Present { status: Status::Uninstalled, asked_at, .. }
            | Observation::Missing { asked_at } => self.record_missing(installation, asked_at, id).await,
            Observation::Present { status, account, asked_at, next_look_at } => {
                self.record_present(installation, status, &account, [asked_at, next_look_at], id).await
            }
            Observation::Ending { at } => self.record_ending(installation, at).await,
            Observation::UninstalledByUs { at } => {
                self.record_ended(installation, at, UninstalledBy::Us, id).await
            }
            Observation::Deleted { at } => {
                self.record_ended(installation, at, UninstalledBy::Deletion, id).await
            }
            Observation::PermissionsChanged { at } => {
                self.record_permissions_changed(installation, at, id).await
            }
        }
    }

    async fn record_present(
        &self,
        installation: InstallationId,
        status: Status,
        account: &Account,
        [asked_at, next_look_at]: [OffsetDateTime; 2],
        id: &MessageId,
    ) -> Result<Observed, DatabaseError> {
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
                    &column_time(asked_at),
                    &column_time(next_look_at),
                    &id.as_str(),
                ],
            )
            .await?;
        observed(row.as_ref())
    }

    async fn record_missing(
        &self,
        installation: InstallationId,
        asked_at: OffsetDateTime,
        event: &MessageId,
    ) -> Result<Observed, DatabaseError> {
        let (id, asked_at) = (i64::from(installation), column_time(asked_at));
        let judged = async {
            for _ in 0..ATTEMPTS {
                match self.database.row(&self.missing, &[&id, &asked_at, &event.as_str()]).await {
                    Err(error) if error.violated() == Some(NUMBERED) => {}
                    row => return observed(row?.as_ref()),
                }
            }
            Err(DatabaseError::Conflict(ATTEMPTS))
        };
        self.database.with_timeout(judged).await
    }

    async fn record_ending(
        &self,
        installation: InstallationId,
        at: OffsetDateTime,
    ) -> Result<Observed, DatabaseError> {
        let (id, at) = (i64::from(installation), column_time(at));
        let row = self.database.row(&self.ending, &[&id, &at]).await?;
        observed(row.as_ref())
    }

    async fn record_ended(
        &self,
        installation: InstallationId,
        at: OffsetDateTime,
        by: UninstalledBy,
        event: &MessageId,
    ) -> Result<Observed, DatabaseError> {
        let (id, at) = (i64::from(installation), column_time(at));
        let row = self.database.row(&self.ended, &[&id, &at, &by.as_str(), &event.as_str()]).await?;
        observed(row.as_ref())
    }

    async fn record_permissions_changed(
        &self,
        installation: InstallationId,
        at: OffsetDateTime,
        event: &MessageId,
    ) -> Result<Observed, DatabaseError> {
        let (id, at) = (i64::from(installation), column_time(at));
        let row = self.database.row(&self.permissions_changed, &[&id, &at, &event.as_str()]).await?;
        observed(row.as_ref())
    }
}
