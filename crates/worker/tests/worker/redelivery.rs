//! The redeliverer's schedule, on a scripted log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{Clock, DeliveryLog, DeliveryLogPage, LoggedDelivery, MockEntropy, RedeliverOutcome};
use dockline::{InstallationId, InstallerRecord, PortError, PortErrorKind, PortName};
use dockline_memory::MemoryRedeliveryStore;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::sleep;

use crate::scene::{Scene, Times};

const INTERVAL: Duration = Duration::from_secs(180);

/// Returns one page per scan, and records the times of the scans.
#[derive(Debug)]
struct Log {
    times: Arc<Times>,
    scans: Mutex<VecDeque<Result<DeliveryLogPage, PortErrorKind>>>,
    requested: Mutex<Vec<u64>>,
}

#[async_trait]
impl DeliveryLog for Log {
    async fn page(&self, _: Option<String>) -> Result<Option<DeliveryLogPage>, PortError> {
        self.times.record();
        let empty = DeliveryLogPage { deliveries: Vec::new(), next: None };
        let page = self.scans.lock().unwrap().pop_front().unwrap_or(Ok(empty));
        page.map(Some).map_err(|kind| PortError::new(PortName::GithubGateway, kind, "scripted"))
    }

    async fn redeliver(&self, id: u64) -> Result<RedeliverOutcome, PortError> {
        self.requested.lock().unwrap().push(id);
        Ok(RedeliverOutcome::Accepted)
    }

    async fn installer(&self, _: u64, _: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        Ok(None)
    }
}

/// A worker whose random fractions are all a half.
fn start(scans: impl IntoIterator<Item = Result<DeliveryLogPage, PortErrorKind>>) -> (Scene, Arc<Log>) {
    let scans = Mutex::new(scans.into_iter().collect());
    let log = Arc::new(Log { times: Times::new(), scans, requested: Mutex::default() });
    let port: Arc<dyn DeliveryLog> = log.clone();
    let scene = Scene::start(&[], |worker, _| {
        let mut entropy = MockEntropy::new();
        entropy.expect_fill().returning(|bytes| {
            bytes.fill(127);
            Ok(())
        });
        let store = Arc::new(MemoryRedeliveryStore::new());
        worker.with_redeliverer(port, store, INTERVAL).with_entropy(Arc::new(entropy))
    });
    (scene, log)
}

#[tokio::test(start_paused = true)]
async fn scans_run_soon_after_the_start_and_then_every_interval() {
    let (_scene, log) = start([]);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(log.times.get(), [9, 189, 369, 549]);
}

#[tokio::test(start_paused = true)]
async fn scan_waits_for_githubs_limit_and_is_repeated_after_failures() {
    let retry_after = Duration::from_secs(400);
    let (_scene, log) =
        start([Err(PortErrorKind::Unavailable), Err(PortErrorKind::RateLimited { retry_after })]);
    sleep(Duration::from_secs(800)).await;
    assert_eq!(log.times.get(), [9, 189, 589, 769]);
}

#[tokio::test(start_paused = true)]
async fn failed_delivery_is_requested_and_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let now = dockline::ports::ManualClock::starting_at(dockline_testkit::fixtures::NOON).now();
    let failed = LoggedDelivery {
        id: 7,
        guid: "72d3162e".to_owned(),
        delivered_at: now,
        status: 503,
        event: "push".to_owned(),
        action: None,
        installation: None,
    };
    let (scene, log) = start([Ok(DeliveryLogPage { deliveries: vec![failed], next: None })]);
    sleep(Duration::from_secs(200)).await;
    assert_eq!(*log.requested.lock().unwrap(), [7]);
    drop(scene);
    let metrics = recorder.handle().render();
    for line in [
        "dockline_redelivery_scans_total{outcome=\"complete\"} 2",
        "dockline_redeliveries_total{outcome=\"requested\"} 1",
        "dockline_redelivery_behind_seconds 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
