use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::error::{PortError, PortErrorKind};
use crate::model::{InstallationId, Status, timestamp};
use crate::ports::ReconcileCursor;
use crate::service::{Dockline, RefreshOutcome};

/// How many calls in a row may find GitHub or the store out of reach before a sweep gives up for now.
const FAILURES_IN_A_ROW: u32 = 3;

/// How long what is out of order should be left alone.
const OUT_OF_ORDER: Duration = Duration::from_secs(60);

/// A stretch of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileBatch {
    /// Look at bindings about which GitHub's last answer is older than this.
    pub before: OffsetDateTime,
    /// Go on after this one: [`ReconcileReport::next`] of the stretch before.
    pub after: Option<ReconcileCursor>,
    /// Ask GitHub about at most as many.
    pub limit: u32,
    /// Leave this share of what GitHub lets the App ask to everybody else, in percent.
    pub reserve_percent: u8,
}

/// What a stretch of a sweep came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileReport {
    /// Bindings that are active.
    pub active: u32,
    /// Bindings that are suspended.
    pub suspended: u32,
    /// Bindings whose installation is gone.
    pub uninstalled: u32,
    /// Bindings whose installation GitHub says is on another account.
    pub account_changed: u32,
    /// What could not be asked about; the next sweep tries again.
    #[serde(serialize_with = "failures")]
    pub failed: Vec<(InstallationId, PortError)>,
    /// Where the next stretch goes on; `None`: this sweep is through.
    pub next: Option<ReconcileCursor>,
    /// Why it stopped before the stretch's end. The binding at which it did is not among the failed: the next stretch
    /// begins with it.
    pub paused: Option<Pause>,
}

/// Why a stretch stopped early, and until when nothing should be asked.
#[derive(Debug, Serialize)]
pub struct Pause {
    /// Not before this time.
    #[serde(serialize_with = "timestamp::serialize")]
    pub until: OffsetDateTime,
    /// What made it stop.
    pub cause: PauseCause,
}

/// What makes a stretch stop early.
#[derive(Debug, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PauseCause {
    /// What is left of GitHub's rate is for others.
    Reserve,
    /// GitHub does not want to be asked now (invariant I19).
    RateLimited,
    /// GitHub refuses the App's own credential: nobody else's installation would fare better.
    Rejected(PortError),
    /// GitHub or the store was out of reach several times in a row.
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
    /// How many bindings GitHub was asked about in vain or not.
    #[must_use]
    pub fn asked(&self) -> usize {
        let answered = [self.active, self.suspended, self.uninstalled, self.account_changed];
        answered.into_iter().map(|count| count as usize).sum::<usize>() + self.failed.len()
    }
}

impl Dockline {
    /// Asks GitHub about bindings that were not verified for a while, the longest unverified first: finds what no
    /// webhook told (a suspended App gets none; L-35; invariant I23). Bounded; waits for nothing: where GitHub or its
    /// rate ask for a pause, it stops and says until when. What was verified is out of the next sweep's way, so that a
    /// sweep that was cut off is resumed by a new one.
    ///
    /// # Errors
    /// Only where the bindings cannot be listed; trouble with a single one is in [`ReconcileReport::failed`].
    pub async fn reconcile(&self, batch: ReconcileBatch) -> Result<ReconcileReport, PortError> {
        let due = self.ports.bindings.stale(batch.before, batch.after, batch.limit).await?;
        let mut swept = ReconcileReport::default();
        let mut done = batch.after;
        let mut in_a_row = 0;
        let all = due.len() < batch.limit as usize;
        for unverified in due {
            if let Some(until) = self.spent_beyond(batch.reserve_percent) {
                return Ok(swept.paused_at(done, unverified, until, PauseCause::Reserve));
            }
            match self.refresh(unverified.installation).await {
                Ok(standing) => {
                    in_a_row = 0;
                    swept.count(standing);
                }
                Err(error) => {
                    in_a_row += 1;
                    let (pause, cause) = match error.kind() {
                        PortErrorKind::RateLimited { retry_after } => (retry_after, PauseCause::RateLimited),
                        PortErrorKind::Rejected => (OUT_OF_ORDER, PauseCause::Rejected(error)),
                        PortErrorKind::Unavailable | PortErrorKind::Corrupt | PortErrorKind::Unexpected
                            if in_a_row >= FAILURES_IN_A_ROW =>
                        {
                            (OUT_OF_ORDER, PauseCause::OutOfReach(error))
                        }
                        PortErrorKind::Unavailable | PortErrorKind::Corrupt | PortErrorKind::Unexpected => {
                            swept.failed.push((unverified.installation, error));
                            done = Some(unverified);
                            continue;
                        }
                    };
                    return Ok(swept.paused_at(done, unverified, self.now() + pause, cause));
                }
            }
            done = Some(unverified);
        }
        swept.next = if all { None } else { done };
        Ok(swept)
    }

    fn spent_beyond(&self, reserve_percent: u8) -> Option<OffsetDateTime> {
        let left = self.ports.github.rate_left()?;
        let reserve = left.limit.saturating_mul(u64::from(reserve_percent.min(100))) / 100;
        (left.remaining <= reserve && self.now() < left.resets_at).then_some(left.resets_at)
    }
}

/// After the last one that was done; where there is none, just before the one that was not.
fn resume(done: Option<ReconcileCursor>, undone: ReconcileCursor) -> Option<ReconcileCursor> {
    let just_before = || ReconcileCursor {
        verified_at: undone.verified_at.saturating_sub(time::Duration::MICROSECOND),
        installation: undone.installation,
    };
    Some(done.unwrap_or_else(just_before))
}

impl ReconcileReport {
    fn paused_at(
        mut self,
        done: Option<ReconcileCursor>,
        undone: ReconcileCursor,
        until: OffsetDateTime,
        cause: PauseCause,
    ) -> Self {
        self.next = resume(done, undone);
        self.paused = Some(Pause { until, cause });
        self
    }

    fn count(&mut self, standing: RefreshOutcome) {
        match standing {
            RefreshOutcome::Present(Status::Active) => self.active += 1,
            RefreshOutcome::Present(Status::Suspended) => self.suspended += 1,
            RefreshOutcome::Present(Status::Uninstalled) | RefreshOutcome::Gone => self.uninstalled += 1,
            RefreshOutcome::AccountChanged => self.account_changed += 1,
            // It was unbound meanwhile, and forgotten.
            RefreshOutcome::Unknown => {}
        }
    }
}
