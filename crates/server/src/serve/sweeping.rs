//! Asks GitHub about what no webhook told, in the background.
//!
//! Every node does: what one has just asked about is out of the others' way, and they begin at random times. Where two
//! meet nevertheless, GitHub is asked twice, and nothing else happens.

use std::time::Duration;

use dockline::Dockline;
use dockline::ports::{Clock, Entropy, OsEntropy, SystemClock};
use metrics::{counter, gauge};
use tokio::time::{Instant, sleep, timeout_at};

use crate::sweep::{Sweeping, Tally, Then};
use crate::telemetry::{SWEEP_BINDINGS, SWEEP_LAST_SUCCESS, SWEEPS};

/// Bindings that one run asks about at the most.
const MOST: u64 = 5_000;

/// Sweeps for ever, `every` so often; trouble is logged, and the next run goes on.
pub(super) async fn keep(dockline: Dockline, every: Duration, unverified_for: Duration) {
    // Nodes that start together must not sweep together.
    sleep(every.mul_f64(fraction())).await;
    loop {
        let next = Instant::now() + every.mul_f64(0.9 + 0.2 * fraction());
        // A run that GitHub keeps waiting ends when the next one is due, which begins where this one stopped.
        let outcome = timeout_at(next, run(&dockline, unverified_for)).await;
        let outcome = outcome.unwrap_or("cut_off");
        counter!(SWEEPS, "outcome" => outcome).increment(1);
        if outcome == "through" {
            #[expect(clippy::cast_precision_loss, reason = "exact for two hundred million years")]
            gauge!(SWEEP_LAST_SUCCESS).set(SystemClock.now().unix_timestamp() as f64);
        }
        tokio::time::sleep_until(next).await;
    }
}

/// How it ended.
async fn run(dockline: &Dockline, unverified_for: Duration) -> &'static str {
    let mut sweeping = Sweeping::begin(unverified_for, Some(MOST));
    let mut counted = Tally::default();
    loop {
        let stretch = match sweeping.stretch(dockline).await {
            Ok(stretch) => stretch,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "sweeping failed; it is tried again later");
                return "failed";
            }
        };
        count(sweeping.tally, counted);
        counted = sweeping.tally;
        for (installation, error) in stretch.failed {
            tracing::warn!(%installation, error, "the sweep could not ask about an installation");
        }
        match stretch.then {
            Then::Go => {}
            Then::Wait(wait) => {
                tracing::info!(?wait, tally = ?sweeping.tally, "the sweep waits for GitHub");
                sleep(wait).await;
            }
            Then::Through | Then::Enough => {
                if sweeping.tally.asked() > 0 {
                    tracing::info!(tally = ?sweeping.tally, "swept");
                }
                return if stretch.then == Then::Through { "through" } else { "enough" };
            }
            Then::GiveUp(error) => {
                tracing::warn!(tally = ?sweeping.tally, error, "the sweep was given up; the next one goes on");
                return "given_up";
            }
        }
    }
}

/// Counts what came since.
fn count(now: Tally, counted: Tally) {
    for (standing, bindings) in [
        ("active", now.active - counted.active),
        ("suspended", now.suspended - counted.suspended),
        ("uninstalled", now.uninstalled - counted.uninstalled),
        ("account_changed", now.account_changed - counted.account_changed),
        ("failed", now.failed - counted.failed),
    ] {
        counter!(SWEEP_BINDINGS, "standing" => standing).increment(bindings);
    }
}

/// From 0 to 1; a half where there is no randomness.
fn fraction() -> f64 {
    let mut bytes = [0; 4];
    match OsEntropy.fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
