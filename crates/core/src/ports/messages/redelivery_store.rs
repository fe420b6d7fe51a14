use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::error::PortError;
use crate::ports::forward;

/// The progress of the scans of GitHub's delivery log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanPosition {
    /// The scans have read everything that was delivered up to this time; `None` before the first complete scan.
    pub read_to: Option<OffsetDateTime>,
    /// The interrupted scan to continue.
    pub interrupted: Option<InterruptedScan>,
}

/// A scan that stopped before it reached [`ScanPosition::read_to`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptedScan {
    /// The cursor of its next page, at most 512 characters.
    pub cursor: String,
    /// Up to when everything is read once the scan has reached [`ScanPosition::read_to`].
    pub newest: OffsetDateTime,
}

/// The earlier requests to redeliver a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedeliveryRequests {
    /// The number of requests.
    pub count: u32,
    /// The time of the last one.
    pub last: OffsetDateTime,
}

/// Coordinates the scans of GitHub's delivery log by several nodes, for one App.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait RedeliveryStore: Debug + Send + Sync + 'static {
    /// Takes the lease of the scan for `holder` until `until`, and returns the position that was stored last; `None` if a lease has
    /// not expired at `now`, also one of the same holder. MUST grant the lease to one holder at a time.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn lease(
        &self,
        holder: u128,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<ScanPosition>, PortError>;

    /// Stores the position and ends the lease of `holder`. Returns `false`, and stores nothing, if `holder` has no lease, has
    /// released it or has lost it to another holder. A lease whose time has passed stays valid until another holder takes it.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError>;

    /// Returns those of the deliveries, by GUID, that were received and stored for the host, so that it does not depend on
    /// GitHub's log whether they have arrived. Empty if deliveries are not stored.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError>;

    /// Returns the earlier requests for those of the deliveries, by GUID, that have any.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError>;

    /// Removes requests that were last made before `forget_before`, then counts a request to redeliver, which may then
    /// be the first again.
    ///
    /// # Errors
    /// Infrastructure failures only.
    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError>;
}

forward!(RedeliveryStore {
    async fn lease(&self, holder: u128, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<ScanPosition>, PortError>;
    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError>;
    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError>;
    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError>;
    async fn record_request(&self, guid: &str, at: OffsetDateTime, forget_before: OffsetDateTime) -> Result<(), PortError>;
});
