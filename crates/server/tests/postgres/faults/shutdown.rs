//! Nodes that exit or are killed at random moments: the next sweep finds every acknowledged change (I22, I23).

use std::time::{Duration, Instant};

use dockline::ports::{Entropy, OsEntropy};
use dockline_github_sim::{Fault, FaultRule};
use dockline_testkit::fastrand::Rng;
use dockline_testkit::random::SeedOnFailure;

use super::lifecycle::{bound, reconcile, status};
use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server};

const ROUNDS: usize = 8;
const ORGANIZATIONS: usize = 6;
/// Changes at GitHub per round, each reported by a webhook.
const CHANGES: u32 = 24;

/// Options without background sweeps.
const FURTHER: [&str; 4] = ["--reconcile-every", "0", "--shutdown-grace", "2s"];

fn start(schema: &TestSchema, github: &Github) -> Server {
    let server = Server::spawn_with(schema, github, "127.0.0.1:0", &FURTHER).listening();
    let hook = format!("{}/v1/github/webhooks", server.api);
    github.sim.sim().set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    server
}

/// Returns the number of acknowledged deliveries.
fn acknowledged(github: &Github) -> usize {
    let deliveries = github.sim.sim().deliveries();
    deliveries
        .iter()
        .filter(|delivery| delivery.outcome.as_ref().is_some_and(|outcome| outcome.status_code == 202))
        .count()
}

/// Returns the status at GitHub.
fn truth(github: &Github, installation: u64) -> &'static str {
    match github.sim.sim().installation(installation) {
        None => "uninstalled",
        Some(found) if found.suspended => "suspended",
        Some(_) => "active",
    }
}

/// Sweeps now and an hour later, since an end that no delivery reported is concluded from 404s for an hour.
async fn sweep(schema: &TestSchema, github: &Github) {
    for _ in 0..2 {
        let swept = reconcile(schema, github, &["--json", "--all"]).output().unwrap();
        assert_eq!(swept.status.code(), Some(0), "{swept:?}");
        let age = "update $schema.installations set missing_since = missing_since - interval '1 hour', \
            missing_last = missing_last - interval '1 hour' where missing_since is not null";
        schema.execute(age).await;
    }
}

/// Makes a random change at GitHub. The first three installations are never removed.
fn change(github: &Github, random: &mut Rng, bound: &[(Backend, u64)]) {
    let sim = github.sim.sim();
    let number = random.usize(..bound.len());
    let installation = bound[number].1;
    // Changing a removed installation fails, which is fine.
    let _ = match random.u32(..12) {
        0 if number >= 3 => sim.uninstall(installation),
        0..=6 => sim.suspend(installation, None),
        _ => sim.unsuspend(installation),
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn after_exit_or_kill_and_a_sweep_every_binding_agrees_with_github() {
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed).unwrap();
    let seed = std::env::var("DOCKLINE_SEED").map_or(u64::from_be_bytes(seed), |seed| seed.parse().unwrap());
    let _seed = SeedOnFailure(seed);
    let mut random = Rng::with_seed(seed);
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let mut server = start(&schema, &github);
    let bound = bound(&schema, &github, &server.api, ORGANIZATIONS).await;
    let (mut stale, mut killed) = (0, 0);
    for _ in 0..ROUNDS {
        // Slow responses leave some refreshes unfinished at the end.
        github
            .sim
            .sim()
            .set_fault(FaultRule::new(Fault::Slow { ms: 30 }).for_path("/api/v3/app/installations"));
        let end = random.u32(..CHANGES);
        let kill = random.bool();
        let mut running = Some(server);
        let mut ending = None;
        for number in 0..CHANGES {
            change(&github, &mut random, &bound);
            // Leaves a random part of the earlier deliveries in flight.
            for _ in 0..random.u32(..400) {
                tokio::task::yield_now().await;
            }
            if number == end
                && let Some(server) = running.take()
            {
                if kill {
                    killed += 1;
                    server.kill();
                } else {
                    ending = Some(tokio::task::spawn_blocking(|| server.end()));
                }
            }
        }
        if let Some(ending) = ending {
            assert_eq!(ending.await.unwrap(), Some(0));
        }
        github.sim.sim().clear_faults();
        github.sim.sim().settled().await;
        server = start(&schema, &github);
        for (backend, installation) in &bound {
            stale += usize::from(status(backend, &server.api).await != truth(&github, *installation));
        }
        sweep(&schema, &github).await;
        for (backend, installation) in &bound {
            assert_eq!(status(backend, &server.api).await, truth(&github, *installation), "seed {seed}");
        }
    }
    println!(
        "{ROUNDS} ends, {killed} of them by kill -9; {} deliveries acknowledged; {stale} bindings were stale before the sweeps",
        acknowledged(&github)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_change_that_was_not_processed_is_found_by_the_next_sweep() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let sim = github.sim.sim();
    let mut server = start(&schema, &github);
    let bound = bound(&schema, &github, &server.api, 2).await;
    sim.settled().await;
    for (number, (backend, installation)) in bound.iter().enumerate() {
        sim.set_fault(FaultRule::new(Fault::Hang).for_path("/api/v3/app/installations"));
        let before = acknowledged(&github);
        sim.suspend(*installation, None).unwrap();
        sim.settled().await;
        assert_eq!(acknowledged(&github), before + 1);
        if number == 0 {
            server.kill();
        } else {
            // A graceful exit, but GitHub does not respond within the grace period.
            let began = Instant::now();
            assert_eq!(server.end(), Some(0));
            let took = began.elapsed();
            assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(10), "{took:?}");
        }
        sim.clear_faults();
        server = start(&schema, &github);
        assert_eq!(status(backend, &server.api).await, "active", "not refreshed yet");
        sweep(&schema, &github).await;
        assert_eq!(status(backend, &server.api).await, "suspended");
    }
}
