use std::time::Duration;

use dockline::ports::RefreshQueue;
use dockline::{InstallationId, PortErrorKind};
use dockline_worker::RefreshOptions;

use crate::github::DOWN;
use crate::scene::Scene;

fn scene(options: RefreshOptions, errors: &[(u64, &[PortErrorKind])]) -> Scene {
    Scene::start(errors, |worker, _| worker.with_refresh_options(options))
}

#[tokio::test(start_paused = true)]
async fn failed_refreshes_are_retried_after_growing_pauses_and_then_given_up() {
    let scene = scene(RefreshOptions::default(), &[(1, &[DOWN; 9]), (2, &[DOWN, PortErrorKind::Rejected])]);
    scene.hint(1);
    scene.hint(2);
    scene.refresher.idle().await;
    let lookups = scene.github.lookups();
    let times = |id| lookups.iter().filter(move |(looked_up, _)| *looked_up == id).map(|(_, at)| *at);
    assert_eq!(times(1).collect::<Vec<_>>(), [0, 1, 5, 21, 85]);
    assert_eq!(times(2).collect::<Vec<_>>(), [0, 1, 5]);
    // A new hint gets all attempts.
    scene.hint(1);
    scene.refresher.idle().await;
    assert_eq!(scene.github.lookups().len(), 13);
}

#[tokio::test(start_paused = true)]
async fn no_refresh_starts_before_githubs_retry_after_i_19() {
    let limited = PortErrorKind::RateLimited { retry_after: Duration::from_secs(300) };
    let scene = scene(RefreshOptions::default().with_concurrency(1), &[(1, &[limited])]);
    scene.hint(1);
    scene.until_looked_up(1).await;
    scene.hint(2);
    scene.refresher.idle().await;
    let mut lookups = scene.github.lookups();
    lookups.sort_unstable();
    assert_eq!(lookups, [(1, 0), (1, 300), (2, 300)]);
}

#[tokio::test(start_paused = true)]
async fn hints_are_merged_and_a_hint_during_a_refresh_leads_to_another_refresh() {
    let scene = scene(RefreshOptions::default(), &[]);
    scene.github.hold();
    scene.hint(1);
    scene.until_looked_up(1).await;
    for _ in 0..1_000 {
        scene.hint(1);
    }
    assert_eq!(scene.refresher.pending(), 2, "one is being refreshed, and one waits");
    scene.github.gate.add_permits(10);
    scene.refresher.idle().await;
    assert_eq!(scene.github.lookups().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn hints_beyond_the_capacity_are_dropped_and_refreshes_run_with_the_given_concurrency() {
    let scene = scene(RefreshOptions::default().with_capacity(50).with_concurrency(3), &[]);
    scene.github.hold();
    for installation in 1..=3 {
        scene.hint(installation);
    }
    scene.until_looked_up(3).await;
    for installation in 4..=100 {
        scene.hint(installation);
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((scene.github.lookups().len(), scene.refresher.pending()), (3, 53));
    scene.github.gate.add_permits(100);
    scene.refresher.idle().await;
    assert_eq!(scene.github.lookups().len(), 53);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_port_does_not_stop_the_refresher() {
    let options = RefreshOptions::default().with_concurrency(1);
    let scene = scene(options, &[(1, &[PortErrorKind::Corrupt])]);
    scene.hint(1);
    scene.hint(2);
    scene.refresher.idle().await;
    assert_eq!(scene.github.lookups(), [(1, 0), (2, 0)]);
}

#[tokio::test(start_paused = true)]
async fn shutdown_processes_waiting_hints_and_retries_that_are_due_in_time() {
    let scene = scene(RefreshOptions::default(), &[(1, &[DOWN]), (2, &[DOWN; 9])]);
    for installation in 1..=20 {
        scene.hint(installation);
    }
    let (github, refresher) = (scene.github.clone(), scene.refresher.clone());
    // 2 fails after 0, 1 and 5 seconds; its next attempt would be after 21 seconds.
    let (left, took) = scene.shut_down(Duration::from_secs(10)).await;
    assert_eq!(left, 1);
    assert_eq!(took.as_secs(), 5, "it does not wait for retries that are due too late");
    assert_eq!(github.lookups().len(), 20 + 3);
    refresher.enqueue(InstallationId::new(1).unwrap());
    assert_eq!(refresher.pending(), 0, "no more hints are accepted");
}

#[tokio::test(start_paused = true)]
async fn shutdown_is_bounded_if_github_does_not_answer() {
    let scene = scene(RefreshOptions::default(), &[]);
    scene.github.hold();
    for installation in 1..=7 {
        scene.hint(installation);
    }
    let refresher = scene.refresher.clone();
    let (left, took) = scene.shut_down(Duration::from_secs(10)).await;
    assert_eq!((left, took.as_secs()), (7, 10));
    assert_eq!(refresher.pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn idle_returns_after_the_worker_has_been_dropped() {
    let scene = scene(RefreshOptions::default(), &[]);
    scene.github.hold();
    scene.hint(1);
    scene.until_looked_up(1).await;
    scene.worker.abort();
    scene.refresher.idle().await;
    scene.hint(2);
    assert_eq!(scene.refresher.pending(), 0);
}
