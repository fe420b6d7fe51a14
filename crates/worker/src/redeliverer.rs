use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, DeliveryLog, Entropy, RedeliveryStore};
use dockline::{Dockline, RedeliveryReport};
use metrics::{counter, gauge};
use tokio::time::{sleep, timeout};

use crate::jitter::fraction;
use crate::metric_names::{REDELIVERIES, REDELIVERY_BEHIND, REDELIVERY_SCANS};

/// Time until an incomplete scan is continued.
const NEXT_PART: Duration = Duration::from_secs(20);

/// A scan is cut off before its lease of ten minutes expires.
const TIMEOUT: Duration = Duration::from_secs(540);

/// Percentage of GitHub's rate limit that scans leave to registrations, tokens and sweeps.
const RESERVE_PERCENT: u8 = 50;

/// The ports and the interval of the scans.
#[derive(Debug, Clone)]
pub(crate) struct Redelivery {
    pub(crate) log: Arc<dyn DeliveryLog>,
    pub(crate) store: Arc<dyn RedeliveryStore>,
    pub(crate) interval: Duration,
}

/// Scans GitHub's delivery log periodically and has failed deliveries sent again. Every node tries; the store lets one scan
/// at a time.
#[derive(Debug)]
pub(crate) struct Redeliverer<'a> {
    pub(crate) dockline: &'a Dockline,
    pub(crate) redelivery: &'a Redelivery,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Redeliverer<'_> {
    pub(crate) async fn run(&self) -> Infallible {
        // Deliveries that failed while no node ran are due now.
        let mut pause = NEXT_PART.min(self.redelivery.interval).mul_f64(fraction(self.entropy));
        loop {
            sleep(pause).await;
            pause = self.scan().await.mul_f64(0.9 + 0.2 * fraction(self.entropy));
        }
    }

    /// Runs one scan and returns the pause before the next one.
    async fn scan(&self) -> Duration {
        let Redelivery { log, store, interval } = self.redelivery;
        let interval = *interval;
        let scan = timeout(TIMEOUT, self.dockline.redeliver(&**log, &**store, RESERVE_PERCENT)).await;
        let (outcome, pause) = match scan {
            Ok(Ok(Some(report))) => self.count(&report),
            Ok(Ok(None)) => ("other_node", interval),
            Ok(Err(error)) => {
                tracing::warn!(%error, cause = error.causes(), "scanning the delivery log failed; will be retried later");
                ("failed", interval)
            }
            Err(_) => {
                tracing::warn!("scanning the delivery log took too long; will be retried later");
                ("cut_off", interval)
            }
        };
        counter!(REDELIVERY_SCANS, "outcome" => outcome).increment(1);
        pause
    }

    fn count(&self, report: &RedeliveryReport) -> (&'static str, Duration) {
        for (outcome, deliveries) in [
            ("requested", report.requested),
            ("refused", report.refused),
            ("given_up", report.given_up),
            ("received", report.received),
        ] {
            counter!(REDELIVERIES, "outcome" => outcome).increment(deliveries.into());
        }
        gauge!(REDELIVERY_BEHIND).set(report.behind.as_secs_f64());
        if report.requested + report.refused + report.installers > 0 {
            tracing::info!(?report, "failed deliveries requested from GitHub");
        }
        if report.given_up > 0 {
            tracing::warn!(report.given_up, "deliveries failed three times and are not requested any more");
        }
        let interval = self.redelivery.interval;
        match report.paused_until {
            Some(until) => {
                let wait = (until - self.clock.now()).try_into().unwrap_or_default();
                ("paused", interval.max(wait))
            }
            None if report.complete => ("complete", interval),
            None => ("incomplete", NEXT_PART.min(interval)),
        }
    }
}
