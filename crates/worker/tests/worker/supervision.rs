use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{Housekeeping, KeyUsageWriter};
use dockline::{PortError, PortErrorKind, PortName};
use metrics_exporter_prometheus::PrometheusBuilder;
use time::OffsetDateTime;
use tokio::time::sleep;

use crate::scene::{Scene, Times};

/// Panics in its first calls, then purges this many batches with each run.
#[derive(Debug)]
struct Purge {
    times: Arc<Times>,
    panics: usize,
    batches: usize,
}

#[async_trait]
impl Housekeeping for Purge {
    async fn purge(&self, _: OffsetDateTime, batch: u32) -> Result<u64, PortError> {
        let call = self.times.record();
        assert!(call >= self.panics, "a store with a bug");
        let in_run = (call - self.panics) % (self.batches + 1);
        Ok(if in_run < self.batches { u64::from(batch) } else { 0 })
    }
}

/// Fails always.
#[derive(Debug)]
struct Broken(Arc<Times>);

#[async_trait]
impl Housekeeping for Broken {
    async fn purge(&self, _: OffsetDateTime, _: u32) -> Result<u64, PortError> {
        self.0.record();
        Err(PortError::new(PortName::StateStore, PortErrorKind::Unavailable, "as scripted"))
    }
}

#[async_trait]
impl KeyUsageWriter for Broken {
    async fn write(&self) -> Result<usize, PortError> {
        self.0.record();
        Err(PortError::new(PortName::KeyStore, PortErrorKind::Unavailable, "as scripted"))
    }
}

fn scene(housekeeping: impl Housekeeping, key_usage: impl KeyUsageWriter) -> Scene {
    let (housekeeping, key_usage) = (Arc::new(housekeeping), Arc::new(key_usage));
    Scene::start(&[], |worker, _| worker.with_housekeeping(housekeeping).with_key_usage(key_usage))
}

#[tokio::test(start_paused = true)]
async fn a_panicking_part_is_restarted_with_backoff_while_the_others_go_on() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let (purges, writes) = (Times::new(), Times::new());
    let purge = Purge { times: purges.clone(), panics: usize::MAX, batches: 0 };
    let scene = scene(purge, Broken(writes.clone()));
    scene.hint(1);
    sleep(Duration::from_secs(200)).await;
    assert_eq!(purges.get(), [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    assert_eq!(writes.get(), [0, 60, 120, 180]);
    assert_eq!((scene.github.lookups().len(), scene.refresher.pending()), (1, 0));
    let text = metrics.render();
    assert!(text.contains(r#"dockline_worker_panics_total{part="housekeeper"} 9"#), "{text}");
    assert_eq!(scene.shut_down(Duration::from_secs(10)).await, (0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_ran_for_long_is_restarted_after_the_first_pause_again() {
    let times = Times::new();
    #[derive(Debug)]
    struct EveryOther(Arc<Times>);
    #[async_trait]
    impl Housekeeping for EveryOther {
        async fn purge(&self, _: OffsetDateTime, _: u32) -> Result<u64, PortError> {
            let call = self.0.record();
            assert!(call.is_multiple_of(2), "a store with a bug");
            Ok(0)
        }
    }
    let _scene = scene(EveryOther(times.clone()), Broken(Times::new()));
    sleep(Duration::from_secs(1_900)).await;
    assert_eq!(times.get(), [0, 600, 601, 1_201, 1_202, 1_802, 1_803]);
}

#[tokio::test(start_paused = true)]
async fn a_purge_repeats_until_nothing_is_left() {
    let times = Times::new();
    let purge = Purge { times: times.clone(), panics: 1, batches: 3 };
    let _scene = scene(purge, Broken(Times::new()));
    sleep(Duration::from_secs(700)).await;
    assert_eq!(times.get(), [0, 1, 1, 1, 1, 601, 601, 601, 601]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_purge_is_retried_at_the_next_interval() {
    let times = Times::new();
    let _scene = scene(Broken(times.clone()), Broken(Times::new()));
    sleep(Duration::from_secs(1_300)).await;
    assert_eq!(times.get(), [0, 600, 1_200]);
}
