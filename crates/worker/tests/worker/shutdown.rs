use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{KeyUsageWriter, Readiness, RefreshQueue};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::fixtures::installation;
use dockline_worker::{SweepOptions, Worker};
use tokio::time::{Instant, sleep};

use crate::github::Scripted;
use crate::scene::{Scene, Times, dockline};

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The behaviour of the last write.
#[derive(Debug, Clone, Copy)]
enum Last {
    Succeeds,
    Hangs,
    Panics,
}

#[derive(Debug)]
struct Usage {
    recorded: AtomicUsize,
    times: Arc<Times>,
    last: Last,
}

impl Usage {
    fn new(last: Last) -> Arc<Self> {
        Arc::new(Self { recorded: AtomicUsize::new(0), times: Times::new(), last })
    }
}

#[async_trait]
impl KeyUsageWriter for Usage {
    async fn write(&self) -> Result<usize, PortError> {
        self.times.record();
        match (self.recorded.swap(0, Ordering::SeqCst), self.last) {
            (0, _) => Ok(0),
            (written, Last::Succeeds) => Ok(written),
            (_, Last::Hangs) => pending().await,
            (_, Last::Panics) => panic!("a store with a bug"),
        }
    }
}

/// A worker that has run for 90 seconds, with key usage that is not written yet.
async fn scene(last: Last) -> (Scene, Arc<Usage>) {
    let usage = Usage::new(last);
    let scene = Scene::start(&[], |worker, github| {
        worker
            .with_key_usage(usage.clone())
            .with_sweeper(SweepOptions::default())
            .with_github_probe(github, TEN_SECONDS)
    });
    sleep(Duration::from_secs(90)).await;
    usage.recorded.store(3, Ordering::SeqCst);
    (scene, usage)
}

#[tokio::test(start_paused = true)]
async fn key_usage_is_written_a_last_time_and_periodic_parts_end() {
    let (scene, usage) = scene(Last::Succeeds).await;
    assert_eq!(scene.shut_down(TEN_SECONDS).await, (0, Duration::ZERO));
    assert_eq!(usage.recorded.load(Ordering::SeqCst), 0);
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(usage.times.get(), [0, 60, 90]);
}

#[tokio::test(start_paused = true)]
async fn hanging_or_panicking_last_write_neither_exceeds_the_drain_timeout_nor_stops_the_drain() {
    for (last, seconds) in [(Last::Hangs, 10), (Last::Panics, 0)] {
        let (scene, _) = scene(last).await;
        for number in 1..=20 {
            scene.hint(number);
        }
        let github = scene.github.clone();
        let (left, took) = scene.shut_down(TEN_SECONDS).await;
        assert_eq!((left, took.as_secs(), github.lookups().len()), (0, seconds, 20), "{last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_fails_from_the_beginning_of_the_shutdown() {
    let (mut scene, _) = scene(Last::Hangs).await;
    let failing = async |scene: &Scene| {
        let checks = scene.readiness.checks().await;
        checks.into_iter().map(|check| (check.name, check.failing)).collect::<Vec<_>>()
    };
    assert_eq!(failing(&scene).await, [("process", None), ("github", Some("unreachable"))]);
    scene.readiness.begin_shutdown();
    assert_eq!(failing(&scene).await, [("process", Some("shutting_down"))]);
    // The host announces the shutdown first and ends the worker later.
    assert!(!scene.worker.is_finished());
    scene.begin_shutdown(TEN_SECONDS);
    (&mut scene.worker).await.unwrap();
    assert_eq!(failing(&scene).await, [("process", Some("shutting_down"))]);
}

#[tokio::test(start_paused = true)]
async fn run_uses_the_configured_drain_timeout_and_returns_the_number_of_lost_hints() {
    let github = Arc::new(Scripted::new(&[]));
    github.hold();
    let (dockline, _) = dockline(github, Arc::new(MemoryBindingRepo::new()));
    let worker = Worker::builder(dockline).with_drain_timeout(Duration::from_secs(3)).build();
    let queue = worker.refresh_queue();
    queue.enqueue(installation(1));
    let started = Instant::now();
    let left = worker.run(sleep(Duration::from_secs(60))).await;
    assert_eq!((left, started.elapsed().as_secs()), (1, 63));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_dropped_before_it_ran_is_not_ready_and_accepts_no_hints() {
    let (dockline, _) = dockline(Arc::new(Scripted::new(&[])), Arc::new(MemoryBindingRepo::new()));
    let worker = Worker::builder(dockline).build();
    let (queue, readiness) = (worker.refresh_queue(), worker.readiness());
    queue.enqueue(installation(1));
    drop(worker);
    queue.idle().await;
    assert_eq!(readiness.checks().await[0].failing, Some("shutting_down"));
}
