//! The size of the campaign, and its load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dockline_github_sim::GithubSim;
use tokio::time::{interval, sleep};

use super::CONNECTING;
use crate::api::Backend;
use crate::forwarding::figures::scale;
use crate::forwarding::scene::push_at_github;

/// The shortest pause between pushes.
const SHORTEST_PAUSE: Duration = Duration::from_millis(25);

/// The size of the campaign.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) deliveries: usize,
    /// Connections and disconnections of each of the organizations that do so.
    pub(super) cycles: usize,
    pub(super) product_down: Duration,
    /// Whether leases and the redeliverer's five minutes pass in real time. Otherwise leases are ended by hand, the failures
    /// of the simulator's log are ten minutes old, and the redeliverer runs at the end.
    pub(super) is_patient: bool,
}

impl Scale {
    /// `DOCKLINE_DELIVERIES`, `DOCKLINE_DOMAIN_EVENTS`, and `DOCKLINE_PRODUCT_DOWN` in seconds.
    pub(super) fn of_environment() -> Self {
        let product_down = Duration::from_secs(scale("DOCKLINE_PRODUCT_DOWN", 2) as u64);
        Self {
            deliveries: scale("DOCKLINE_DELIVERIES", 200),
            cycles: scale("DOCKLINE_DOMAIN_EVENTS", 20).div_ceil(2 * CONNECTING),
            product_down,
            is_patient: product_down >= Duration::from_secs(60),
        }
    }

    /// Returns the pause between pushes. The product is down for at most a third of them, so that the node and PostgreSQL
    /// crash under load, too.
    pub(super) fn pause(&self) -> Duration {
        SHORTEST_PAUSE.max(self.product_down * 3 / u32::try_from(self.deliveries).unwrap())
    }

    pub(super) fn load_takes(&self) -> Duration {
        self.pause() * u32::try_from(self.deliveries).unwrap()
    }

    pub(super) fn node_options(&self) -> &[&str] {
        if self.is_patient { &["--redeliver-every", "1m"] } else { &[] }
    }
}

/// Has GitHub send numbered pushes of all organizations by turns.
pub(super) async fn push(sim: GithubSim, installations: Vec<u64>, scale: Scale, sent: Arc<AtomicUsize>) {
    let mut ticks = interval(scale.pause());
    for number in 0..scale.deliveries {
        ticks.tick().await;
        push_at_github(&sim, installations[number % installations.len()], number);
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Connects an installation and detaches it, repeating calls that fail.
pub(super) async fn connect(
    api: String,
    backend: Backend,
    installation: u64,
    cycles: usize,
    pause: Duration,
) {
    let retry = || sleep(Duration::from_millis(20));
    for _ in 0..cycles {
        let state = loop {
            match backend.try_state(&api).await {
                Some(state) => break state,
                None => retry().await,
            }
        };
        loop {
            match backend.register(&api, installation, &state).await {
                Some(answer) if answer.status < 500 => {
                    break assert_eq!(answer.status, 201, "{}", answer.body);
                }
                _ => retry().await,
            }
        }
        loop {
            match backend.detach(&api).await {
                // 404 answers a repetition if the first answer was lost.
                Some(answer) if answer.status < 500 => break assert!(matches!(answer.status, 204 | 404)),
                _ => retry().await,
            }
        }
        sleep(pause).await;
    }
}
