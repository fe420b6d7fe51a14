//! Stores deliveries.

use async_trait::async_trait;
use dockline::ports::{DeliveryOutcome, DeliveryStore};
use dockline::{
    AppId, DeliveryGuid, InstallationId, MessageId, OrganizationId, OutboxBounds, PortError, PortName,
    VerifiedDelivery,
};
use rusqlite::{Connection, params};
use tokio::time::timeout;

use super::SqliteOutbox;
use super::queues::{self, column};
use crate::database::AppNumber;
use crate::decode::{column_number, column_time, execute, exists, row, text};
use crate::error::SqliteError;

const IS_KNOWN: &str = "SELECT 1 FROM outbox_entries WHERE app = ?1 AND guid = ?2 AND digest = ?3";

const BOUND: &str = "SELECT organization FROM installations \
    WHERE app = ?1 AND installation_id = ?2 AND organization IS NOT NULL";

const INSERT: &str = "INSERT INTO outbox_entries (app, organization, sequence, id, installation_id, guid, digest, event, \
     action, size, has_body, received_at, status) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, 'waiting')";

const INSERT_BODY: &str =
    "INSERT INTO outbox_bodies (app, organization, sequence, body) VALUES (?1, ?2, ?3, ?4)";

/// A delivery that the writer's thread can own.
struct Delivery {
    app: AppId,
    installation: Option<InstallationId>,
    event: String,
    action: Option<String>,
    guid: DeliveryGuid,
    received_at: i64,
    digest: [u8; 32],
    body: Vec<u8>,
}

impl From<VerifiedDelivery<'_>> for Delivery {
    fn from(delivery: VerifiedDelivery<'_>) -> Self {
        Self {
            app: delivery.app,
            installation: delivery.installation,
            event: delivery.event.to_owned(),
            action: delivery.action.as_deref().map(str::to_owned),
            received_at: column_time(delivery.received_at),
            digest: delivery.digest(),
            body: delivery.body.to_vec(),
            guid: delivery.guid,
        }
    }
}

fn store(
    connection: &Connection,
    app: AppNumber,
    delivery: &Delivery,
    bounds: OutboxBounds,
) -> Result<DeliveryOutcome, SqliteError> {
    let guid = delivery.guid.as_str();
    if exists(connection, IS_KNOWN, params![app.get(), guid, delivery.digest])? {
        return Ok(DeliveryOutcome::Duplicate);
    }
    let organization: Option<OrganizationId> = match delivery.installation {
        None => None,
        Some(installation) => {
            let values = params![app.get(), i64::from(installation)];
            match row(connection, BOUND, values, |row| text(row, "organization"))? {
                Some(organization) => Some(organization),
                None => return Ok(DeliveryOutcome::Unbound),
            }
        }
    };
    let queue = column(organization.as_ref());
    let Some(sizes) = queues::sizes(connection, app, queue)? else { return Ok(DeliveryOutcome::Unbound) };
    let size = delivery.body.len() as u64;
    let fits = sizes.queue.saturating_add(size) <= bounds.per_organization
        && sizes.in_all.saturating_add(size) <= bounds.in_all;
    if !fits {
        return Ok(DeliveryOutcome::Full { organization });
    }
    let sequence = column_number(queues::append(connection, app, queue, delivery.received_at)?);
    queues::add_bytes(connection, app, queue, column_number(size))?;
    execute(
        connection,
        INSERT,
        params![
            app.get(),
            queue,
            sequence,
            MessageId::of_delivery(delivery.app, &delivery.guid).as_str(),
            delivery.installation.map(i64::from),
            guid,
            delivery.digest,
            delivery.event,
            delivery.action,
            column_number(size),
            delivery.received_at,
        ],
    )?;
    execute(connection, INSERT_BODY, params![app.get(), queue, sequence, delivery.body])?;
    Ok(DeliveryOutcome::Stored)
}

#[async_trait]
impl DeliveryStore for SqliteOutbox {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        let (app, bounds) = (self.database.app(), self.bounds);
        let database = self.database.database();
        let failed = |error: SqliteError| error.of_port(PortName::DeliveryStore);
        // Before the body is copied. The semaphore is never closed.
        let turn = timeout(database.deadline(), self.turns.acquire()).await;
        let _turn = turn.map_err(|_| failed(SqliteError::Overloaded))?;
        let delivery = Delivery::from(delivery);
        database.write(move |connection| store(connection, app, &delivery, bounds)).await.map_err(failed)
    }
}
