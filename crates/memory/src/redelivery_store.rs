use std::collections::{HashMap, HashSet};
use std::fmt;

use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{RedeliveryRequests, RedeliveryStore, ScanPosition};
use time::OffsetDateTime;

use crate::Shared;

/// Stores the progress of the scans of GitHub's delivery log. After a restart the next scan reads the whole log.
#[derive(Clone, Default)]
pub struct MemoryRedeliveryStore(Shared<Scans>);

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
    /// A store without a scan.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
        let mut scans = self.0.lock();
        if scans.lease.as_ref().is_some_and(|lease| lease.until > now) {
            return Ok(None);
        }
        scans.lease = Some(Lease { holder, until });
        Ok(Some(scans.position.clone()))
    }

    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError> {
        let mut scans = self.0.lock();
        if scans.lease.as_ref().is_none_or(|lease| lease.holder != holder) {
            return Ok(false);
        }
        scans.lease = None;
        scans.position = position.clone();
        Ok(true)
    }

    async fn received(&self, _: &[String]) -> Result<HashSet<String>, PortError> {
        Ok(HashSet::new())
    }

    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError> {
        let scans = self.0.lock();
        let known = guids.iter().filter_map(|guid| Some((guid.clone(), *scans.requests.get(guid)?)));
        Ok(known.collect())
    }

    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError> {
        let mut scans = self.0.lock();
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
