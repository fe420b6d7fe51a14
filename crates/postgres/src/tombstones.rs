use async_trait::async_trait;
use dockline::ports::Tombstones;
use dockline::{InstallationId, OrganizationId, PortError, PortName, Tombstone, TombstoneReset};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{column_time, get, installation, parse_nullable, parse_text};
use crate::error::DatabaseError;

const FIND: &str = "SELECT installation_id, organization, uninstalled_by, GREATEST(observed_at, verified_at) AS ended_at \
    FROM {schema}.installations \
    WHERE app = {app} AND installation_id = $1 AND uninstalled_by IN ('deletion', 'us')";

/// Turns the end into an absence of an unknown account, which any later 200 undoes. The row stays, so that its generation,
/// which fences cached tokens, does not begin anew. The installer goes, since the first record of an installation wins.
const RESET: &str = "WITH before AS ( \
     SELECT app, installation_id, uninstalled_by, GREATEST(observed_at, verified_at) AS ended_at \
     FROM {schema}.installations WHERE app = {app} AND installation_id = $1 AND organization IS NULL \
     AND uninstalled_by IN ('deletion', 'us') FOR UPDATE \
    ), reset AS ( \
     UPDATE {schema}.installations AS kept SET uninstalled_by = 'absence', \
      account_id = NULL, account_login = NULL, account_kind = NULL, generation = kept.generation + 1 \
     FROM before WHERE kept.app = before.app AND kept.installation_id = before.installation_id \
    ), installer AS ( \
     DELETE FROM {schema}.installers AS kept USING before \
     WHERE kept.app = before.app AND kept.installation_id = before.installation_id \
    ) INSERT INTO {schema}.tombstone_resets (app, installation_id, uninstalled_by, ended_at, reset_at, note) \
    SELECT app, installation_id, uninstalled_by, ended_at, $2, $3 FROM before \
    RETURNING installation_id, uninstalled_by, ended_at, reset_at, note";

const RESETS: &str = "SELECT installation_id, uninstalled_by, ended_at, reset_at, note \
    FROM {schema}.tombstone_resets WHERE app = {app} ORDER BY reset_at, installation_id";

/// The final ends of an App's installations.
#[derive(Debug, Clone)]
pub struct PgTombstones {
    database: Database,
    find: Statement,
    reset: Statement,
    resets: Statement,
}

impl PgTombstones {
    /// Uses the installations of an App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self {
            find: database.statement(FIND, &[Type::INT8]),
            reset: database.statement(RESET, &[Type::INT8, Type::TIMESTAMPTZ, Type::TEXT]),
            resets: database.statement(RESETS, &[]),
            database: database.database().clone(),
        }
    }
}

#[async_trait]
impl Tombstones for PgTombstones {
    async fn find(&self, installation: InstallationId) -> Result<Option<Tombstone>, PortError> {
        let row = self.database.row(&self.find, &[&i64::from(installation)]).await;
        let row = row.map_err(port_error)?;
        row.as_ref().map(tombstone).transpose().map_err(port_error)
    }

    async fn reset(
        &self,
        installation: InstallationId,
        note: &str,
        now: OffsetDateTime,
    ) -> Result<Option<TombstoneReset>, PortError> {
        let (id, now) = (i64::from(installation), column_time(now));
        let row = self.database.row(&self.reset, &[&id, &now, &note]).await.map_err(port_error)?;
        row.as_ref().map(reset).transpose().map_err(port_error)
    }

    async fn resets(&self) -> Result<Vec<TombstoneReset>, PortError> {
        let rows = self.database.rows(&self.resets, &[]).await.map_err(port_error)?;
        rows.iter().map(reset).collect::<Result<_, _>>().map_err(port_error)
    }
}

fn tombstone(row: &Row) -> Result<Tombstone, DatabaseError> {
    Ok(Tombstone {
        installation: installation(row, "installation_id")?,
        organization: parse_nullable(row, "organization", |text: &str| OrganizationId::new(text))?,
        by: parse_text(row, "uninstalled_by")?,
        ended_at: get(row, "ended_at")?,
    })
}

fn reset(row: &Row) -> Result<TombstoneReset, DatabaseError> {
    Ok(TombstoneReset {
        installation: installation(row, "installation_id")?,
        by: parse_text(row, "uninstalled_by")?,
        ended_at: get(row, "ended_at")?,
        reset_at: get(row, "reset_at")?,
        note: get(row, "note")?,
    })
}

fn port_error(error: DatabaseError) -> PortError {
    error.of_port(PortName::BindingRepo)
}
