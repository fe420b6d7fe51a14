use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, ReconcileCursor};
use dockline::{Dockline, InstallationId, Pause, PauseCause, PortError, ReconcileBatch, ReconcileReport};
use time::OffsetDateTime;
use tokio::time::sleep;

/// Bindings per batch; progress is reported after each batch.
const BATCH: u32 = 25;

/// Percentage of GitHub's rate limit that a sweep leaves to registrations and tokens.
const RESERVE_PERCENT: u8 = 25;

/// A sweep is given up after this many consecutive batches without a successful refresh.
const FAILED_BATCHES: u32 = 3;

/// One sweep: refreshes stale bindings batch by batch, the least recently verified first, and waits if GitHub's rate limit
/// requires it. It may be dropped at any time; a new sweep continues with what is still stale.
#[derive(Debug)]
pub struct Sweep {
    clock: Arc<dyn Clock>,
    before: OffsetDateTime,
    after: Option<ReconcileCursor>,
    left: Option<u64>,
    failed_batches: u32,
    totals: SweepTotals,
}

/// Bindings that a sweep has refreshed so far, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepTotals {
    /// Bindings that are active.
    pub active: u64,
    /// Bindings that are suspended.
    pub suspended: u64,
    /// Bindings whose installation is gone.
    pub uninstalled: u64,
    /// Bindings whose installation is on another account than before.
    pub account_changed: u64,
    /// Bindings that could not be refreshed.
    pub failed: u64,
}

/// The end of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SweepOutcome {
    /// No stale binding is left, apart from those that failed.
    Complete,
    /// The sweep refreshed as many bindings as its limit allows.
    LimitReached,
    /// GitHub or the store was unavailable, or GitHub rejected the App's credential; with the error, if there is a single one.
    GivenUp(Option<String>),
}

/// The state of a sweep after a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepProgress {
    /// The totals of all batches so far.
    pub totals: SweepTotals,
    /// The failures of this batch, with their errors.
    pub failed: Vec<(InstallationId, String)>,
    /// The pause before the next batch; `None` after the last batch.
    pub pause: Option<Duration>,
}

impl SweepTotals {
    /// Returns the number of bindings that were refreshed or failed.
    #[must_use]
    pub const fn asked(&self) -> u64 {
        self.active + self.suspended + self.uninstalled + self.account_changed + self.failed
    }
}

impl Sweep {
    /// A sweep over all bindings that GitHub has not verified for `stale_after`, at most `limit` of them. `clock` must be
    /// the clock of the [`Dockline`] that it runs on.
    pub fn new(clock: Arc<dyn Clock>, stale_after: Duration, limit: Option<u64>) -> Self {
        let age = time::Duration::try_from(stale_after).ok();
        let before = age.and_then(|age| clock.now().checked_sub(age)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self { clock, before, after: None, left: limit, failed_batches: 0, totals: SweepTotals::default() }
    }

    /// Returns the totals so far.
    #[must_use]
    pub const fn totals(&self) -> SweepTotals {
        self.totals
    }

    /// Runs to the end and calls `report` after each batch, before its pause.
    ///
    /// # Errors
    /// If the bindings cannot be listed, or `report` fails.
    pub async fn run<E: From<PortError> + Send>(
        &mut self,
        dockline: &Dockline,
        mut report: impl FnMut(SweepProgress) -> Result<(), E> + Send,
    ) -> Result<SweepOutcome, E> {
        loop {
            let (failed, next) = self.next_batch(dockline).await?;
            let pause = next.clone().continue_value();
            report(SweepProgress { totals: self.totals, failed, pause })?;
            match next {
                ControlFlow::Break(outcome) => return Ok(outcome),
                ControlFlow::Continue(Duration::ZERO) => {}
                ControlFlow::Continue(pause) => sleep(pause).await,
            }
        }
    }

    async fn next_batch(&mut self, dockline: &Dockline) -> Result<Batch, PortError> {
        let limit = self.left.map_or(BATCH, |left| u32::try_from(left).unwrap_or(BATCH).min(BATCH));
        if limit == 0 {
            return Ok((Vec::new(), ControlFlow::Break(SweepOutcome::LimitReached)));
        }
        let (before, after) = (self.before, self.after);
        let batch = ReconcileBatch { before, after, limit, reserve_percent: RESERVE_PERCENT };
        let report = dockline.reconcile(batch).await?;
        let next = self.add(&report);
        let failed = report.failed.iter().map(|(installation, error)| (*installation, with_cause(error)));
        Ok((failed.collect(), next))
    }

    fn add(&mut self, report: &ReconcileReport) -> ControlFlow<SweepOutcome, Duration> {
        let asked = report.asked() as u64;
        // A denial is the customer's setting: it counts as failed, but does not end the sweep.
        let failed = report.failed.len() as u64;
        self.totals.active += u64::from(report.active);
        self.totals.suspended += u64::from(report.suspended);
        self.totals.uninstalled += u64::from(report.uninstalled);
        self.totals.account_changed += u64::from(report.account_changed);
        self.totals.failed += failed + u64::from(report.denied);
        self.left = self.left.map(|left| left.saturating_sub(asked));
        self.after = report.next;
        self.failed_batches = if asked == failed { self.failed_batches + 1 } else { 0 };
        let give_up = self.failed_batches >= FAILED_BATCHES;
        let outcome = match (report.next, &report.paused) {
            (None, _) => SweepOutcome::Complete,
            (_, Some(Pause { cause: PauseCause::Rejected(error), .. })) => {
                SweepOutcome::GivenUp(Some(with_cause(error)))
            }
            (_, Some(Pause { cause: PauseCause::OutOfReach(error), .. })) if give_up => {
                SweepOutcome::GivenUp(Some(with_cause(error)))
            }
            _ if give_up => SweepOutcome::GivenUp(None),
            (Some(_), None) if self.left == Some(0) => SweepOutcome::LimitReached,
            (Some(_), None) => return ControlFlow::Continue(Duration::ZERO),
            (Some(_), Some(pause)) => {
                return ControlFlow::Continue(
                    (pause.until - self.clock.now()).try_into().unwrap_or_default(),
                );
            }
        };
        ControlFlow::Break(outcome)
    }
}

/// The failures of a batch, and the pause before the next batch or the end.
type Batch = (Vec<(InstallationId, String)>, ControlFlow<SweepOutcome, Duration>);

fn with_cause(error: &PortError) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
