use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dockline::PortErrorKind;
use dockline::ports::{Check, Readiness};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::fixtures::NOON;
use dockline_worker::Worker;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::sleep;

use crate::github::{DOWN, Scripted};
use crate::scene::{Scene, Times, dockline};

/// The scripted behaviour of a probe; the last one is repeated.
#[derive(Debug, Clone, Copy)]
enum Run {
    Passes,
    Fails,
    Hangs,
    Panics,
}

fn scene(runs: impl IntoIterator<Item = Run>) -> (Scene, Arc<Times>) {
    let runs = Arc::new(Mutex::new(runs.into_iter().collect::<VecDeque<_>>()));
    let times = Times::new();
    let recorded = times.clone();
    let probe = move || {
        recorded.record();
        let run = {
            let mut runs = runs.lock().unwrap();
            if runs.len() > 1 { runs.pop_front() } else { runs.front().copied() }
        };
        async move {
            match run.unwrap() {
                Run::Passes => Ok(()),
                Run::Fails => Err("unreachable"),
                Run::Hangs => pending().await,
                Run::Panics => panic!("a probe with a bug"),
            }
        }
    };
    (Scene::start(&[], |worker, _| worker.with_probe("database", probe)), times)
}

async fn check(scene: &Scene, name: &str) -> Check {
    scene.readiness.checks().await.into_iter().find(|check| check.name == name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_probe_runs_every_five_seconds_however_often_the_state_is_read() {
    let (scene, times) = scene([Run::Passes]);
    assert_eq!(check(&scene, "database").await.failing, Some("not_checked_yet"));
    for _ in 0..190 {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(check(&scene, "database").await.failing, None);
    }
    assert_eq!(times.get(), [0, 5, 10, 15]);
}

#[tokio::test(start_paused = true)]
async fn a_check_shows_its_cause_and_the_time_of_the_last_change() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let (scene, _) = scene([Run::Passes, Run::Fails, Run::Fails, Run::Hangs, Run::Panics, Run::Passes]);
    let started = NOON + time::Duration::hours(2);
    let mut changes = Vec::new();
    // Between the whole seconds, at which probes run.
    sleep(Duration::from_millis(500)).await;
    for second in 1..35 {
        let Check { failing, since, .. } = check(&scene, "database").await;
        let metric = metrics.render().contains(r#"dockline_ready{check="database"} 1"#);
        assert_eq!(metric, failing.is_none(), "second {second}");
        let change = (failing, (since - started).whole_seconds());
        if changes.last() != Some(&change) {
            changes.push(change);
        }
        scene.clock.advance(time::Duration::SECOND);
        sleep(Duration::from_secs(1)).await;
    }
    let expected =
        [(None, 0), (Some("unreachable"), 5), (Some("timed_out"), 20), (Some("panicked"), 25), (None, 30)];
    assert_eq!(changes, expected);
}

#[tokio::test(start_paused = true)]
async fn a_result_expires_if_the_worker_does_not_run() {
    let (dockline, _) = dockline(Arc::new(Scripted::new(&[])), Arc::new(MemoryBindingRepo::new()));
    let worker = Worker::builder(dockline).with_probe("database", || async { Ok(()) }).build();
    let readiness = worker.readiness();
    let failing = async || readiness.checks().await[1].failing;
    let mut run = pin!(worker.run(pending()));
    tokio::select! {
        _ = &mut run => unreachable!(),
        () = sleep(Duration::from_secs(1)) => {}
    }
    assert_eq!(failing().await, None);
    // Nothing polls the worker meanwhile.
    sleep(Duration::from_secs(31)).await;
    assert_eq!(failing().await, Some("outdated"));
    tokio::select! {
        _ = &mut run => unreachable!(),
        () = sleep(Duration::from_secs(1)) => {}
    }
    assert_eq!(failing().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_fails_at_once_and_an_outage_after_the_given_time() {
    let limited = PortErrorKind::RateLimited { retry_after: Duration::from_secs(60) };
    let down = std::iter::repeat_n(Some(Err(DOWN)), 16);
    let answers = [Some(Err(DOWN)), Some(Ok(())), Some(Err(limited)), None];
    let answers = answers.into_iter().chain(down).chain([
        Some(Ok(())),
        Some(Err(PortErrorKind::Rejected)),
        // Says nothing about the credential, which stays refused.
        Some(Err(DOWN)),
        Some(Err(PortErrorKind::Rejected)),
        Some(Ok(())),
    ]);
    let scene = Scene::start(&[], |worker, github| {
        github.script_app(answers);
        worker.with_github_probe(github, Duration::from_secs(15 * 60))
    });
    let mut changes = Vec::new();
    // One question a minute, and one of them takes 15 seconds to time out.
    for minute in 0..26 {
        sleep(Duration::from_secs(1)).await;
        let failing = check(&scene, "github").await.failing;
        if changes.last().is_none_or(|(_, last)| *last != failing) {
            changes.push((minute, failing));
        }
        sleep(Duration::from_secs(59)).await;
    }
    let expected = [
        (0, Some("not_accepted_yet")),
        (1, None),
        (16, Some("unreachable")),
        (21, None),
        (22, Some("refused")),
        (25, None),
    ];
    assert_eq!(changes, expected);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_gateway_is_asked_again() {
    let scene = Scene::start(&[], |worker, github| {
        github.script_app([Some(Err(PortErrorKind::Corrupt)), Some(Ok(()))]);
        worker.with_github_probe(github, Duration::from_secs(15 * 60))
    });
    sleep(Duration::from_millis(100)).await;
    assert_eq!(check(&scene, "github").await.failing, Some("not_accepted_yet"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(check(&scene, "github").await.failing, None);
}

#[tokio::test(start_paused = true)]
async fn checks_are_process_then_those_of_the_host_then_github() {
    let scene = Scene::start(&[], |worker, github| {
        let worker = worker.with_probe("database", || async { Ok(()) });
        worker.with_github_probe(github, Duration::MAX).with_probe("schema", || async { Ok(()) })
    });
    sleep(Duration::from_secs(1)).await;
    let checks = scene.readiness.checks().await;
    let checks: Vec<_> = checks.iter().map(|check| (check.name, check.failing)).collect();
    assert_eq!(checks, [("process", None), ("database", None), ("schema", None), ("github", None)]);
}
