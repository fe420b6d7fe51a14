//! Wrong stores of redeliveries.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{RedeliveryRequests, RedeliveryStore, ScanPosition};
use dockline_memory::MemoryRedeliveryStore;
use dockline_testkit::redelivery_store::{lease, requests};
use time::OffsetDateTime;

use crate::{handles, killed, without_offset};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// Compares what the clocks showed, without the offsets.
    DropsOffsets,
    /// Compares GUIDs without case.
    ComparesWithoutCase,
}

#[derive(Debug)]
struct Wrong(MemoryRedeliveryStore, Defect);

impl Wrong {
    fn new(defect: Defect) -> Self {
        Self(MemoryRedeliveryStore::new(), defect)
    }

    fn time(&self, time: OffsetDateTime) -> OffsetDateTime {
        if self.1 == Defect::DropsOffsets { without_offset(time) } else { time }
    }

    fn guid(&self, guid: &str) -> String {
        if self.1 == Defect::ComparesWithoutCase { guid.to_lowercase() } else { guid.to_owned() }
    }
}

#[async_trait]
impl RedeliveryStore for Wrong {
    async fn lease(
        &self,
        holder: u128,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<ScanPosition>, PortError> {
        self.0.lease(holder, self.time(now), self.time(until)).await
    }

    async fn release(&self, holder: u128, position: &ScanPosition) -> Result<bool, PortError> {
        self.0.release(holder, position).await
    }

    async fn received(&self, guids: &[String]) -> Result<HashSet<String>, PortError> {
        self.0.received(guids).await
    }

    async fn requests(&self, guids: &[String]) -> Result<HashMap<String, RedeliveryRequests>, PortError> {
        let mut found = HashMap::new();
        for guid in guids {
            let stored = self.0.requests(&[self.guid(guid)]).await?;
            found.extend(stored.into_values().map(|requests| (guid.clone(), requests)));
        }
        Ok(found)
    }

    async fn record_request(
        &self,
        guid: &str,
        at: OffsetDateTime,
        forget_before: OffsetDateTime,
    ) -> Result<(), PortError> {
        self.0.record_request(&self.guid(guid), at, forget_before).await
    }
}

killed! {
    RedeliveryStore;
    lease_of_its_process: handles!(RedeliveryStore: MemoryRedeliveryStore::new(), MemoryRedeliveryStore::new()) =>
        lease::racing_nodes_get_one_lease,
        lease::one_lease_is_granted_at_a_time;
    offsets_dropped: Wrong::new(Defect::DropsOffsets) => lease::offsets_of_times_change_nothing;
    compared_without_case: Wrong::new(Defect::ComparesWithoutCase) =>
        requests::case_of_letters_distinguishes_deliveries;
}
