use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::error::{PortError, PortErrorKind};
use crate::model::{InstallationId, Status, timestamp};
use crate::ports::ReconcileCursor;
use crate::service::{Dockline, RefreshOutcome};

/// The number of consecutive failures of GitHub or the store after which a batch stops.
const MAX_CONSECUTIVE_FAILURES: u32 = 3;

/// The pause after a rejected credential or consecutive failures.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// A batch of a reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileBatch {
    /// Check bindings that were last verified before this time.
    pub before: OffsetDateTime,
    /// Continue after this position: [`ReconcileReport::next`] of the previous batch.
    pub after: Option<ReconcileCursor>,
    /// Check at most this many bindings.
    pub limit: u32,
    /// Leave this percentage of the App's rate limit at GitHub for other requests.
    pub reserve_percent: u8,
}

/// The result of a batch.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileReport {
    /// Number of bindings whose installation is active.
    pub active: u32,
    /// Number of bindings whose installation is suspended.
    pub suspended: u32,
    /// Number of bindings whose installation was uninstalled.
    pub uninstalled: u32,
    /// Number of bindings whose installation is on another account, by GitHub's report.
    pub account_changed: u32,
    /// Number of bindings whose installation GitHub denies the App. Their status is not known.
    pub denied: u32,
    /// Installations that could not be checked. They stay due for the next reconciliation.
    #[serde(serialize_with = "failures")]
    pub failed: Vec<(InstallationId, PortError)>,
    /// The start of the next batch; `None` if the reconciliation is complete.
    pub next: Option<ReconcileCursor>,
    /// Why the batch stopped early. The binding at which it stopped is not in `failed`; the next batch starts with it.
    pub paused: Option<Pause>,
}

/// A pause of the reconciliation.
#[derive(Debug, Serialize)]
pub struct Pause {
    /// The time before which no further batch should run.
    #[serde(serialize_with = "timestamp::serialize")]
    pub until: OffsetDateTime,
    /// The cause.
    pub cause: PauseCause,
}

/// Why a batch stopped early.
#[derive(Debug, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PauseCause {
    /// The rest of the App's rate limit is reserved for other requests.
    Reserve,
    /// GitHub limits the App's requests.
    RateLimited,
    /// GitHub rejects the App's credential, which fails for every installation.
    Rejected(PortError),
    /// GitHub or the store failed several times in a row.
    OutOfReach(PortError),
}

fn failures<S: Serializer>(failed: &[(InstallationId, PortError)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Failure<'a> {
        installation: InstallationId,
        error: &'a PortError,
    }
    serializer.collect_seq(
        failed.iter().map(|(installation, error)| Failure { installation: *installation, error }),
    )
}

impl ReconcileReport {
    /// Returns the number of bindings that were checked, failed ones included.
    #[must_use]
    pub fn asked(&self) -> usize {
        let checked = [self.active, self.suspended, self.uninstalled, self.account_changed, self.denied];
        checked.into_iter().map(|count| count as usize).sum::<usize>() + self.failed.len()
    }

    fn count(&mut self, outcome: RefreshOutcome) {
        match outcome {
            RefreshOutcome::Present(Status::Active) => self.active += 1,
            RefreshOutcome::Present(Status::Suspended) => self.suspended += 1,
            RefreshOutcome::Present(Status::Uninstalled) | RefreshOutcome::Gone => self.uninstalled += 1,
            RefreshOutcome::AccountChanged => self.account_changed += 1,
            RefreshOutcome::Denied(_) => self.denied += 1,
            // The store lost the installation since it was listed.
            RefreshOutcome::Unknown => {}
        }
    }

    fn paused(
        mut self,
        last_checked: Option<ReconcileCursor>,
        unchecked: ReconcileCursor,
        until: OffsetDateTime,
        cause: PauseCause,
    ) -> Self {
        // Without a checked binding, the position just before the unchecked one.
        let before_unchecked = ReconcileCursor {
            verified_at: unchecked.verified_at.saturating_sub(time::Duration::MICROSECOND),
            installation: unchecked.installation,
        };
        self.next = Some(last_checked.unwrap_or(before_unchecked));
        self.paused = Some(Pause { until, cause });
        self
    }
}

impl Dockline {
    /// Checks one batch of bindings at GitHub, the longest unverified first; `next` is the start of the following batch.
    /// It corrects facts that no webhook reported, such as those of a suspended App, which gets no webhooks.
    ///
    /// It never waits: if GitHub or its rate limit requires a pause, it stops and reports until when. A reconciliation that
    /// was interrupted can be started again from the beginning, since checked bindings are not stale any more.
    ///
    /// # Errors
    /// Infrastructure failures when the bindings are listed. Failures of single bindings are in
    /// [`ReconcileReport::failed`].
    pub async fn reconcile(&self, batch: ReconcileBatch) -> Result<ReconcileReport, PortError> {
        let stale = self.ports.bindings.stale(batch.before, batch.after, batch.limit).await?;
        let complete = stale.len() < batch.limit as usize;
        let mut report = ReconcileReport::default();
        let mut last_checked = batch.after;
        let mut consecutive_failures = 0;
        for current in stale {
            if let Some(until) = self.reserve_reached(batch.reserve_percent) {
                return Ok(report.paused(last_checked, current, until, PauseCause::Reserve));
            }
            match self.refresh(current.installation).await {
                Ok(outcome) => {
                    consecutive_failures = 0;
                    report.count(outcome);
                }
                Err(error) => {
                    consecutive_failures += 1;
                    let (pause, cause) = match error.kind() {
                        PortErrorKind::RateLimited { retry_after } => (retry_after, PauseCause::RateLimited),
                        PortErrorKind::Rejected => (PAUSE_AFTER_FAILURE, PauseCause::Rejected(error)),
                        PortErrorKind::Unavailable | PortErrorKind::Corrupt | PortErrorKind::Unexpected
                            if consecutive_failures >= MAX_CONSECUTIVE_FAILURES =>
                        {
                            (PAUSE_AFTER_FAILURE, PauseCause::OutOfReach(error))
                        }
                        PortErrorKind::Unavailable | PortErrorKind::Corrupt | PortErrorKind::Unexpected => {
                            report.failed.push((current.installation, error));
                            last_checked = Some(current);
                            continue;
                        }
                    };
                    return Ok(report.paused(last_checked, current, self.now() + pause, cause));
                }
            }
            last_checked = Some(current);
        }
        report.next = if complete { None } else { last_checked };
        Ok(report)
    }

    /// Returns the time of the next rate limit window if the current one has no more than the reserve left.
    fn reserve_reached(&self, reserve_percent: u8) -> Option<OffsetDateTime> {
        let left = self.ports.github.rate_left()?;
        let reserve = left.limit.saturating_mul(u64::from(reserve_percent.min(100))) / 100;
        (left.remaining <= reserve && self.now() < left.resets_at).then_some(left.resets_at)
    }
}
