use async_trait::async_trait;
use dockline::ports::{Admission, AdmissionAnswer, AdmissionRequest, RateLimitRequest, ReadBinding};
use dockline::rules::access;
use dockline::{BudgetKey, PortError, PortName};
use rusqlite::Connection;

use super::{budget, key_store};
use crate::bindings::rows::live_binding;
use crate::database::{AppDatabase, AppNumber};
use crate::error::SqliteError;

/// Finds a key, charges its budget and reads the binding of its organization in one transaction.
///
/// A charge is written to disk within a second, like those of [`SqliteRateLimiter`](crate::SqliteRateLimiter).
#[derive(Debug, Clone)]
pub struct SqliteAdmission {
    database: AppDatabase,
}

impl SqliteAdmission {
    /// Uses keys and budgets of the file, and bindings of the App.
    #[must_use]
    pub fn new(database: &AppDatabase) -> Self {
        Self { database: database.clone() }
    }
}

fn admit(
    connection: &Connection,
    app: AppNumber,
    request: &AdmissionRequest,
) -> Result<AdmissionAnswer, SqliteError> {
    let record = access::authenticate(request, key_store::find(connection, &request.key)?);
    let (mut decision, mut binding) = (None, None);
    if let Some(record) = &record {
        let charges = request.charge && access::has_scope(record, request.needed.as_ref());
        let check = RateLimitRequest {
            key: BudgetKey::from(&record.id),
            class: request.class,
            tier: record.tier.clone(),
            permits: charges.into(),
            now: request.now,
        };
        decision = Some(budget::charge(connection, &check)?);
        if request.charge {
            let bound = live_binding(connection, app, &record.organization)?;
            binding = Some(ReadBinding { organization: record.organization.clone(), binding: bound });
        }
    }
    let AdmissionRequest { key, secret_hash, .. } = request;
    Ok(AdmissionAnswer { key: key.clone(), secret_hash: *secret_hash, record, decision, binding })
}

#[async_trait]
impl Admission for SqliteAdmission {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        let app = self.database.app();
        // Also a request that charges nothing may correct the level for a smaller tier.
        let admitted =
            self.database.database().write_soon(move |connection| admit(connection, app, &request));
        admitted.await.map_err(|error| error.of_port(PortName::Admission))
    }
}
