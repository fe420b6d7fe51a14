use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::error::{PortError, PortErrorKind, PortName};
use crate::model::{InstallationId, Status, timestamp};
use crate::ports::{ReconcileCursor, ReconcileScope};
use crate::service::{Dockline, RefreshOutcome};

/// The number of consecutive failures after which a batch checks whether GitHub or the store fails for all bindings.
const MAX_CONSECUTIVE_FAILURES: u32 = 3;

/// The pause after a rejected credential or consecutive failures.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// A batch of a reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileBatch {
    /// The bindings to check.
    pub scope: ReconcileScope,
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
    /// Number of bindings whose installation GitHub has not shown for less than an hour, or is about to uninstall.
    pub missing: u32,
    /// Number of bindings whose installation GitHub does not show, and that stay as they were since too many are not shown.
    pub held: u32,
    /// Number of bindings whose installation was uninstalled, or has been missing for an hour.
    pub uninstalled: u32,
    /// Number of bindings whose installation is on another account, by GitHub's report.
    pub account_changed: u32,
    /// Number of bindings whose installation GitHub denies the App. Their status is not known.
    pub denied: u32,
    /// Installations that could not be checked. They are due again within minutes.
    #[serde(serialize_with = "failures")]
    pub failed: Vec<(InstallationId, PortError)>,
    /// Whether no binding of the scope is left.
    pub complete: bool,
    /// The start of the next batch; `None` if the reconciliation is complete, or starts from the beginning.
    pub next: Option<ReconcileCursor>,
    /// Why the batch stopped early. The binding at which it stopped is not in `failed`.
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
    /// The binding at which the batch stopped.
    pub at: ReconcileCursor,
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
    /// GitHub failed for the App itself, or the store failed several times in a row.
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
        let checked = [
            self.active,
            self.suspended,
            self.missing,
            self.held,
            self.uninstalled,
            self.account_changed,
            self.denied,
        ];
        checked.into_iter().map(|count| count as usize).sum::<usize>() + self.failed.len()
    }

    fn count(&mut self, outcome: RefreshOutcome) {
        match outcome {
            RefreshOutcome::Present(Status::Active) => self.active += 1,
            RefreshOutcome::Present(Status::Suspended) => self.suspended += 1,
            RefreshOutcome::Missing | RefreshOutcome::Ending => self.missing += 1,
            RefreshOutcome::Held => self.held += 1,
            RefreshOutcome::Present(Status::Uninstalled) | RefreshOutcome::Gone => self.uninstalled += 1,
            RefreshOutcome::AccountChanged => self.account_changed += 1,
            RefreshOutcome::Denied(_) => self.denied += 1,
            // The store lost the installation since it was listed.
            RefreshOutcome::Unknown => {}
        }
    }

    fn paused(mut self, next: Option<ReconcileCursor>, pause: Pause) -> Self {
        self.next = next;
        self.paused = Some(pause);
        self
    }
}

impl Dockline {
    /// Checks one batch of bindings at GitHub; `next` is the start of the following batch. It corrects facts that no webhook
    /// reported, such as those of a suspended App, which gets no webhooks.
    ///
    /// A binding whose check fails does not stop the others: its next look is put forward. After a rejected credential or
    /// several failures, the App is read once: only if that fails, too, is GitHub or the App's credential at fault, and the
    /// batch pauses.
    ///
    /// It never waits: if GitHub or its rate limit requires a pause, it stops and reports until when. A reconciliation that
    /// was interrupted can be started again from the beginning, since checked bindings are not due any more.
    ///
    /// # Errors
    /// Infrastructure failures when the bindings are listed. Failures of single bindings are in
    /// [`ReconcileReport::failed`].
    pub async fn reconcile(&self, batch: ReconcileBatch) -> Result<ReconcileReport, PortError> {
        let due = self.0.ports.bindings.due(batch.scope, batch.after, batch.limit).await?;
        let complete = due.len() < batch.limit as usize;
        let mut report = ReconcileReport::default();
        let mut last_checked = batch.after;
        let mut consecutive_failures = 0;
        for at in due {
            if let Some(until) = self.reserve_reached(batch.reserve_percent) {
                return Ok(report.paused(last_checked, Pause { until, cause: PauseCause::Reserve, at }));
            }
            match self.refresh(at.installation).await {
                Ok(outcome) => {
                    consecutive_failures = 0;
                    report.count(outcome);
                }
                Err(error) => {
                    consecutive_failures += 1;
                    if let Some((pause, cause)) = self.common_fault(&error, consecutive_failures).await {
                        let until = self.now() + pause;
                        return Ok(report.paused(last_checked, Pause { until, cause, at }));
                    }
                    report.failed.push((at.installation, error));
                }
            }
            last_checked = Some(at);
        }
        report.complete = complete;
        report.next = if complete { None } else { last_checked };
        Ok(report)
    }

    /// Returns the pause and its cause if the failure concerns all bindings, not only the one that was checked.
    async fn common_fault(&self, error: &PortError, failures: u32) -> Option<(Duration, PauseCause)> {
        let is_repeated = failures.is_multiple_of(MAX_CONSECUTIVE_FAILURES);
        if error.port() != PortName::GithubGateway {
            return is_repeated.then(|| (PAUSE_AFTER_FAILURE, PauseCause::OutOfReach(error.clone())));
        }
        match error.kind() {
            PortErrorKind::RateLimited { retry_after } => Some((retry_after, PauseCause::RateLimited)),
            PortErrorKind::Rejected => self.fault_of_app().await,
            PortErrorKind::Unavailable
            | PortErrorKind::Overloaded
            | PortErrorKind::Corrupt
            | PortErrorKind::Unexpected => {
                if is_repeated {
                    self.fault_of_app().await
                } else {
                    None
                }
            }
        }
    }

    async fn fault_of_app(&self) -> Option<(Duration, PauseCause)> {
        let error = self.0.ports.github.app().await.err()?;
        Some(match error.kind() {
            PortErrorKind::RateLimited { retry_after } => (retry_after, PauseCause::RateLimited),
            PortErrorKind::Rejected => (PAUSE_AFTER_FAILURE, PauseCause::Rejected(error)),
            PortErrorKind::Unavailable
            | PortErrorKind::Overloaded
            | PortErrorKind::Corrupt
            | PortErrorKind::Unexpected => (PAUSE_AFTER_FAILURE, PauseCause::OutOfReach(error)),
        })
    }

    /// Returns the time of the next rate limit window if the current one has no more than the reserve left.
    pub(super) fn reserve_reached(&self, reserve_percent: u8) -> Option<OffsetDateTime> {
        let left = self.0.ports.github.rate_left()?;
        let reserve = left.limit.saturating_mul(u64::from(reserve_percent.min(100))) / 100;
        (left.remaining <= reserve && self.now() < left.resets_at).then_some(left.resets_at)
    }
}
