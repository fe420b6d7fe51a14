use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{
    BindingRepo, Clock, ManualClock, MockBindingRepo, MockEntropy, ReconcileCursor, ReconcileScope,
};
use dockline::{Dockline, PortError, PortErrorKind, PortName};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::fixtures::{NOON, binding_of, digest, installation};
use dockline_worker::{Sweep, SweepOptions, SweepOutcome, SweepProgress, SweepTotals};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::{Instant, sleep};

use crate::github::{DOWN, Scripted};
use crate::scene::{Scene, dockline};

const HOUR: Duration = Duration::from_secs(3_600);

/// This many bindings, all verified at noon: two hours ago.
async fn bindings(count: u64) -> Arc<MemoryBindingRepo> {
    let bindings = Arc::new(MemoryBindingRepo::new());
    for number in 1..=count {
        let state = digest(&format!("state {number}"));
        bindings.insert(binding_of(&format!("org_{number}"), number, state)).await.unwrap();
    }
    bindings
}

struct Swept {
    outcome: SweepOutcome,
    totals: SweepTotals,
    progress: Vec<SweepProgress>,
    took: Duration,
}

async fn sweep(dockline: &Dockline, clock: Arc<ManualClock>, limit: Option<u64>) -> Swept {
    let started = Instant::now();
    let mut sweep = Sweep::due(clock, limit);
    let mut progress = Vec::new();
    let outcome = sweep.run::<PortError>(dockline, |batch| {
        progress.push(batch);
        Ok(())
    });
    let outcome = outcome.await.unwrap();
    Swept { outcome, totals: sweep.totals(), progress, took: started.elapsed() }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_refreshes_all_due_bindings_in_batches() {
    let (dockline, clock) = dockline(Arc::new(Scripted::new(&[(7, &[DOWN])])), bindings(60).await);
    let Swept { outcome, totals, progress, took } = sweep(&dockline, clock.clone(), None).await;
    assert_eq!((outcome, took), (SweepOutcome::Complete, Duration::ZERO));
    // GitHub shows none: 20 become missing, and the others are held by the bound.
    assert_eq!(totals, SweepTotals { missing: 20, held: 39, failed: 1, ..SweepTotals::default() });
    let batches: Vec<_> = progress.iter().map(|batch| (batch.totals.asked(), batch.pause)).collect();
    assert_eq!(batches, [(25, Some(Duration::ZERO)), (50, Some(Duration::ZERO)), (60, None)]);
    let [(failed, error)] = &*progress[0].failed else { panic!("{:?}", progress[0]) };
    assert_eq!((failed.get(), error.ends_with("as scripted")), (7, true), "{error}");
    // None is due at once; those that are missing are after a minute, and the failed one after five.
    assert_eq!(sweep(&dockline, clock.clone(), None).await.totals.asked(), 0);
    clock.advance(time::Duration::minutes(5) + time::Duration::SECOND);
    assert_eq!(sweep(&dockline, clock, None).await.totals.asked(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_limit_bounds_the_refreshed_bindings() {
    let (dockline, clock) = dockline(Arc::new(Scripted::new(&[])), bindings(60).await);
    for (limit, outcome, asked) in [
        (0, SweepOutcome::LimitReached, 0),
        (25, SweepOutcome::LimitReached, 25),
        (30, SweepOutcome::LimitReached, 30),
        (30, SweepOutcome::Complete, 5),
    ] {
        let swept = sweep(&dockline, clock.clone(), Some(limit)).await;
        assert_eq!((swept.outcome, swept.totals.asked()), (outcome, asked), "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_waits_for_githubs_retry_after_and_puts_the_limited_binding_back_c10() {
    let limited = PortErrorKind::RateLimited { retry_after: Duration::from_secs(300) };
    let (dockline, clock) = dockline(Arc::new(Scripted::new(&[(10, &[limited])])), bindings(20).await);
    let Swept { outcome, totals, progress, took } = sweep(&dockline, clock.clone(), None).await;
    assert_eq!((outcome, took.as_secs()), (SweepOutcome::Complete, 300));
    assert_eq!((totals.missing, totals.failed), (19, 0));
    let pauses: Vec<_> = progress.iter().map(|batch| batch.pause.map(|pause| pause.as_secs())).collect();
    assert_eq!(pauses, [Some(300), None]);
    clock.advance(time::Duration::seconds(301));
    assert_eq!(sweep(&dockline, clock, None).await.totals.missing, 20);
}

#[tokio::test(start_paused = true)]
async fn many_bad_bindings_at_the_head_do_not_end_a_sweep_c10() {
    let bad: Vec<_> = (1..=55).map(|id| (id, &[PortErrorKind::Rejected, DOWN][..])).collect();
    let github = Arc::new(Scripted::new(&bad));
    let (dockline, clock) = dockline(github.clone(), bindings(60).await);
    for asked in [60, 60] {
        let swept = sweep(&dockline, clock.clone(), None).await;
        assert_eq!((swept.outcome, swept.took), (SweepOutcome::Complete, Duration::ZERO));
        assert_eq!((swept.totals.failed, swept.totals.asked()), (55, asked));
        clock.advance(time::Duration::minutes(6));
    }
}

#[tokio::test(start_paused = true)]
async fn a_binding_that_is_limited_twice_in_a_row_is_passed_by_c10() {
    let limited = PortErrorKind::RateLimited { retry_after: Duration::from_secs(60) };
    let github = Arc::new(Scripted::new(&[(2, &[limited; 9])]));
    let (dockline, clock) = dockline(github.clone(), bindings(3).await);
    let scope = ReconcileScope::ObservedBefore(clock.now());
    let mut sweep = Sweep::new(clock, scope, None);
    let outcome = sweep.run::<PortError>(&dockline, |_| Ok(())).await.unwrap();
    assert_eq!(outcome, SweepOutcome::Complete);
    assert_eq!((sweep.totals().missing, sweep.totals().failed), (2, 1));
    assert_eq!(github.lookups().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_credential_ends_a_sweep_at_once() {
    let github = Arc::new(Scripted::new(&[]));
    github.fail_all(PortErrorKind::Rejected);
    github.script_app([Some(Err(PortErrorKind::Rejected))]);
    let (dockline, clock) = dockline(github.clone(), bindings(60).await);
    let swept = sweep(&dockline, clock, None).await;
    assert!(matches!(swept.outcome, SweepOutcome::GivenUp(Some(_))), "{:?}", swept.outcome);
    assert_eq!((github.lookups().len(), swept.took), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn an_outage_ends_a_sweep_after_three_batches() {
    let github = Arc::new(Scripted::new(&[]));
    github.fail_all(DOWN);
    github.script_app([Some(Err(DOWN))]);
    let (dockline, clock) = dockline(github.clone(), bindings(60).await);
    let swept = sweep(&dockline, clock, None).await;
    assert!(matches!(swept.outcome, SweepOutcome::GivenUp(Some(_))), "{:?}", swept.outcome);
    // Three look-ups per batch, and a minute between batches.
    assert_eq!((github.lookups().len(), swept.took.as_secs()), (9, 120));
}

/// A sweeper without random delays: it sweeps at once, and then every 13.5 minutes.
fn sweeper(bindings: Arc<dyn BindingRepo>, errors: &[(u64, &[PortErrorKind])]) -> Scene {
    let mut entropy = MockEntropy::new();
    entropy.expect_fill().returning(|bytes| {
        bytes.fill(0);
        Ok(())
    });
    Scene::on(bindings, errors, |worker, _| {
        worker.with_sweeper(SweepOptions::default()).with_entropy(Arc::new(entropy))
    })
}

#[tokio::test(start_paused = true)]
async fn the_sweeper_sweeps_periodically_and_counts_bindings_and_sweeps() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let scene = sweeper(bindings(3).await, &[(1, &[DOWN]), (2, &[DOWN; 2])]);
    let mut found = Vec::new();
    for _ in 0..3 {
        sleep(Duration::from_secs(60)).await;
        found.push(scene.github.lookups().len());
        sleep(Duration::from_secs(13 * 60 - 30)).await;
        scene.clock.advance(time::Duration::seconds(810));
    }
    assert_eq!(found, [3, 6, 9]);
    let text = metrics.render();
    for line in [
        r#"dockline_sweeps_total{outcome="through"} 3"#,
        r#"dockline_sweep_bindings_total{outcome="missing"} 6"#,
        r#"dockline_sweep_bindings_total{outcome="failed"} 3"#,
        "dockline_sweep_last_success_timestamp_seconds 1780324020",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_waits_too_long_is_cut_off_by_the_next_one() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let limited = PortErrorKind::RateLimited { retry_after: HOUR };
    let scene = sweeper(bindings(3).await, &[(2, &[limited])]);
    sleep(Duration::from_secs(60)).await;
    assert!(metrics.render().contains("dockline_sweep_pause_seconds 3600"), "{}", metrics.render());
    sleep(Duration::from_secs(19 * 60)).await;
    assert!(metrics.render().contains("dockline_sweep_pause_seconds 0"), "{}", metrics.render());
    let lookups = scene.github.lookups();
    // The next sweep starts with the binding that the first one did not come to.
    assert_eq!(lookups.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 3]);
    let text = metrics.render();
    for outcome in ["cut_off", "through"] {
        assert!(text.contains(&format!("dockline_sweeps_total{{outcome=\"{outcome}\"}} 1")), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_ends_the_sweep_and_the_next_one_tries_again() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut bindings = MockBindingRepo::new();
    let error = || PortError::new(PortName::BindingRepo, PortErrorKind::Unavailable, "as scripted");
    bindings.expect_due().times(1).returning(move |_, _, _| Err(error()));
    bindings.expect_due().times(1).returning(|_, _, _| Ok(Vec::new()));
    let _scene = sweeper(Arc::new(bindings), &[]);
    sleep(Duration::from_secs(20 * 60)).await;
    let text = metrics.render();
    for outcome in ["failed", "through"] {
        assert!(text.contains(&format!("dockline_sweeps_total{{outcome=\"{outcome}\"}} 1")), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_reported_with_all_its_causes_c57() {
    /// An error with a source.
    #[derive(Debug)]
    struct ConnectFailed(std::io::Error);
    impl std::fmt::Display for ConnectFailed {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("connecting failed")
        }
    }
    impl std::error::Error for ConnectFailed {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let cause = ConnectFailed(std::io::Error::other("no space left on device"));
    let error = PortError::new(PortName::BindingRepo, PortErrorKind::Unavailable, cause);
    let mut repo = MockBindingRepo::new();
    repo.expect_due()
        .returning(|_, _, _| Ok(vec![ReconcileCursor { next_look_at: NOON, installation: installation(1) }]));
    repo.expect_installation().returning(move |_| Err(error.clone()));
    let (dockline, clock) = dockline(Arc::new(Scripted::new(&[])), Arc::new(repo));
    let Swept { progress, .. } = sweep(&dockline, clock, Some(1)).await;
    let [(_, text)] = &*progress[0].failed else { panic!("{:?}", progress[0]) };
    assert_eq!(text, "the binding repository is unavailable: connecting failed: no space left on device");
}
