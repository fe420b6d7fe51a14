use std::collections::{HashMap, HashSet};
use std::fmt;

use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{RedeliveryRequests, RedeliveryStore, ScanPosition};
use time::OffsetDateTime;

use crate::{MemoryOutbox, Shared};

/// Stores the progress of the scans of GitHub's delivery log. After a restart the next scan reads the whole log. Deliveries
/// that are in the outbox of [`MemoryRedeliveryStore::with_outbox`] count as received.
#[derive(Clone, Default)]
pub struct MemoryRedeliveryStore {
    scans: Shared<Scans>,
    outbox: Option<MemoryOutbox>,
}

#[derive(Default)]
struct Scans {
    lease: Option<Lease>,
    position: ScanPosition,
    requests: HashMap<String, RedeliveryRequests>,
}

struct Lease {
    holder: u128,
    until: OffsetDateTime,
}

impl MemoryRedeliveryStore {
    /// A store without a scan, for a host that stores no deliveries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the outbox in which the host stores deliveries.
    #[must_use]
    pub fn with_outbox(mut self, outbox: &MemoryOutbox) -> Self {
        self.outbox = Some(outbox.clone());
        self
    }
}

#[async_trait]
impl RedeliveryStore for MemoryRedeliveryStore {
    async fn lease(
        &self,
        holder: u128,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<ScanPosition>, PortError> {
        let mut scans = self.scans.lock();
        if scans.lease.as_ref().is_some_and(|lease| lease.until > now) {
            return Ok(None);
        }
        scans.lease = Some(Lease { holder, until });
        Ok(Some(scans.position.clone()))
    }

    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError> {
        let mut scans = self.scans.lock();
        if scans.lease.as_ref().is_none_or(|lease| lease.holder != holder) {
            return Ok(false);
        }
        scans.lease = None;
        scans.position = position.clone();
        Ok(true)
    }

    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError> {
        Ok(self.outbox.as_ref().map_or_else(HashSet::new, |outbox| outbox.received(guids)))
    }

    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError> {
        let scans = self.scans.lock();
        let known = guids.iter().filter_map(|guid| Some((guid.clone(), *scans.requests.get(guid)?)));
        Ok(known.collect())
    }

    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError> {
        let mut scans = self.scans.lock();
        scans.requests.retain(|_, requests| requests.last >= forget_before);
        let requests =
            scans.requests.entry(guid.to_owned()).or_insert(RedeliveryRequests { count: 0, last: at });
        requests.count += 1;
        requests.last = requests.last.max(at);
        Ok(())
    }
}

impl fmt::Debug for MemoryRedeliveryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRedeliveryStore")
    }
}
