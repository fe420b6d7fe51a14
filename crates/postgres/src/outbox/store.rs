use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{DeliveryOutcome, DeliveryStore};
use dockline::{MessageId, PortError, PortName, VerifiedDelivery};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::rows::{number, organization};
use super::{PgOutbox, sql};
use crate::database::{AppDatabase, Database, Statement};
use crate::decode::{column_time, get};
use crate::error::DatabaseError;

/// The constraint that a concurrent insert of the same delivery violates.
const ONCE: &str = "outbox_entries_once";

/// How long the sum of all queues is believed. Longer, and several nodes would exceed the bound by more.
const SUM_AGE: Duration = Duration::from_secs(1);

/// What storing a delivery needs.
#[derive(Debug, Clone)]
pub(super) struct Storing {
    /// The connections, apart from those of requests.
    pub(super) database: Database,
    store: Statement,
    bytes: Statement,
    /// One permit per delivery that is stored at the same time, of up to 25 MiB each.
    turns: Arc<Semaphore>,
    sum: Arc<Mutex<Option<Sum>>>,
}

/// The bytes of all queues, as read at a time, and what was added here since.
#[derive(Debug, Clone, Copy)]
struct Sum {
    bytes: u64,
    read_at: Instant,
}

impl Storing {
    pub(super) fn new(database: &AppDatabase) -> Self {
        Self {
            store: database.statement(sql::STORE, sql::STORE_TYPES),
            bytes: database.statement(sql::BYTES, &[]),
            turns: Arc::new(Semaphore::new(PgOutbox::STORED_AT_ONCE)),
            sum: Arc::default(),
            database: database.database().clone(),
        }
    }

    /// Returns whether `size` more bytes fit. The sum is read again before a delivery is refused.
    async fn fits(&self, size: u64, bound: u64) -> Result<bool, DatabaseError> {
        let known = *self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.filter(|sum| sum.read_at.elapsed() < SUM_AGE);
        if known.is_some_and(|sum| sum.bytes.saturating_add(size) <= bound) {
            return Ok(true);
        }
        let read_at = Instant::now();
        let row = self.database.row(&self.bytes, &[]).await?;
        let bytes = row.as_ref().map(|row| number(row, "bytes")).transpose()?.unwrap_or_default();
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner) = Some(Sum { bytes, read_at });
        Ok(bytes.saturating_add(size) <= bound)
    }

    fn add(&self, size: u64) {
        if let Some(sum) = &mut *self.sum.lock().unwrap_or_else(PoisonError::into_inner) {
            sum.bytes = sum.bytes.saturating_add(size);
        }
    }

    async fn store(
        &self,
        delivery: &VerifiedDelivery<'_>,
        per_organization: u64,
    ) -> Result<DeliveryOutcome, DatabaseError> {
        let size = delivery.body.len() as u64;
        let column_of = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let stored = self
            .database
            .row(
                &self.store,
                &[
                    &delivery.installation.map(i64::from),
                    &delivery.guid.as_str(),
                    &delivery.digest().as_slice(),
                    &MessageId::of_delivery(delivery.app, &delivery.guid).as_str(),
                    &delivery.event,
                    &delivery.action.as_deref(),
                    &column_time(delivery.received_at),
                    &column_of(size),
                    &delivery.body,
                    &column_of(per_organization),
                ],
            )
            .await;
        let row = match stored {
            Err(error) if error.violated() == Some(ONCE) => return Ok(DeliveryOutcome::Duplicate),
            row => row?.ok_or_else(|| DatabaseError::corrupt("outcome", "the statement returned no row"))?,
        };
        Ok(match get(&row, "outcome")? {
            "stored" => {
                self.add(size);
                DeliveryOutcome::Stored
            }
            "duplicate" => DeliveryOutcome::Duplicate,
            "unbound" => DeliveryOutcome::Unbound,
            _ => DeliveryOutcome::Full { organization: organization(&row)? },
        })
    }
}

#[async_trait]
impl DeliveryStore for PgOutbox {
    async fn store<'a>(&self, delivery: VerifiedDelivery<'a>) -> Result<DeliveryOutcome, PortError> {
        let storing = &self.storing;
        let stored = storing.database.with_timeout(async {
            // The semaphore is never closed.
            let _turn = storing.turns.acquire().await;
            let size = delivery.body.len() as u64;
            // Nothing is larger than zero bytes: then the statement only tells what it would be.
            let fits = storing.fits(size, self.bounds.in_all).await?;
            let bound = if fits { self.bounds.per_organization } else { 0 };
            storing.store(&delivery, bound).await
        });
        stored.await.map_err(|error| error.of_port(PortName::DeliveryStore))
    }
}
