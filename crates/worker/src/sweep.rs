use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use dockline::ports::{Clock, ReconcileCursor, ReconcileScope};
use dockline::{Dockline, InstallationId, Pause, PauseCause, PortError, ReconcileBatch, ReconcileReport};
use tokio::time::sleep;

/// Bindings per batch; progress is reported after each batch.
const BATCH: u32 = 25;

/// Percentage of GitHub's rate limit that a sweep leaves to registrations and tokens.
const RESERVE_PERCENT: u8 = 25;

/// A sweep is given up after this many consecutive batches without a successful refresh.
const FAILED_BATCHES: u32 = 3;

/// One sweep: refreshes the bindings of a scope batch by batch, and waits if GitHub's rate limit requires it. It may be
/// dropped at any time; a new sweep continues with what is still due.
#[derive(Debug)]
pub struct Sweep {
    clock: Arc<dyn Clock>,
    scope: ReconcileScope,
    after: Option<ReconcileCursor>,
    limited: Option<InstallationId>,
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
    /// Bindings whose installation GitHub has not shown for less than an hour, or is about to uninstall.
    pub missing: u64,
    /// Bindings whose installation GitHub does not show, and that stay as they were since too many are not shown.
    pub held: u64,
    /// Bindings whose installation is uninstalled or absent.
    pub uninstalled: u64,
    /// Bindings whose installation is on another account than before.
    pub account_changed: u64,
    /// Bindings that could not be refreshed.
    pub failed: u64,
}

/// The end of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SweepOutcome {
    /// No binding of the scope is left, apart from those that failed.
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
        self.active
            + self.suspended
            + self.missing
            + self.held
            + self.uninstalled
            + self.account_changed
            + self.failed
    }
}

impl Sweep {
    /// A sweep over the bindings of `scope`, at most `limit` of them. `clock` must be the clock of the [`Dockline`] that it
    /// runs on.
    pub fn new(clock: Arc<dyn Clock>, scope: ReconcileScope, limit: Option<u64>) -> Self {
        let totals = SweepTotals::default();
        Self { clock, scope, after: None, limited: None, left: limit, failed_batches: 0, totals }
    }

    /// A sweep over the bindings whose next look is due.
    pub fn due(clock: Arc<dyn Clock>, limit: Option<u64>) -> Self {
        let now = clock.now();
        Self::new(clock, ReconcileScope::Due(now), limit)
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
        let (scope, after) = (self.scope, self.after);
        let batch = ReconcileBatch { scope, after, limit, reserve_percent: RESERVE_PERCENT };
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
        self.totals.missing += u64::from(report.missing);
        self.totals.held += u64::from(report.held);
        self.totals.uninstalled += u64::from(report.uninstalled);
        self.totals.account_changed += u64::from(report.account_changed);
        self.totals.failed += failed + u64::from(report.denied);
        self.left = self.left.map(|left| left.saturating_sub(asked));
        self.after = report.next;
        let outcome = match &report.paused {
            None if report.complete => SweepOutcome::Complete,
            None if self.left == Some(0) => SweepOutcome::LimitReached,
            None => return ControlFlow::Continue(Duration::ZERO),
            Some(Pause { cause: PauseCause::Rejected(error), .. }) => {
                SweepOutcome::GivenUp(Some(with_cause(error)))
            }
            Some(pause) => {
                if let PauseCause::OutOfReach(error) = &pause.cause {
                    self.failed_batches = if asked == failed { self.failed_batches + 1 } else { 1 };
                    if self.failed_batches >= FAILED_BATCHES {
                        return ControlFlow::Break(SweepOutcome::GivenUp(Some(with_cause(error))));
                    }
                }
                if matches!(pause.cause, PauseCause::RateLimited) {
                    self.pass_by(pause.at);
                }
                return ControlFlow::Continue(
                    (pause.until - self.clock.now()).try_into().unwrap_or_default(),
                );
            }
        };
        ControlFlow::Break(outcome)
    }

    /// Skips a binding for which GitHub limits the rate a second time, so that it does not hold up the others.
    fn pass_by(&mut self, at: ReconcileCursor) {
        if self.limited.replace(at.installation) == Some(at.installation) {
            self.after = Some(at);
            self.totals.failed += 1;
        }
    }
}

/// The failures of a batch, and the pause before the next batch or the end.
type Batch = (Vec<(InstallationId, String)>, ControlFlow<SweepOutcome, Duration>);

fn with_cause(error: &PortError) -> String {
    format!("{error}: {}", error.causes())
}
