use std::time::Duration;

use time::OffsetDateTime;

use super::{Dockline, Standing};
use crate::error::{PortError, PortErrorKind};
use crate::model::{InstallationId, Status};
use crate::ports::Unverified;

/// How many calls in a row may find GitHub or the store out of reach before a sweep gives up for now.
const FAILURES_IN_A_ROW: u32 = 3;

/// A stretch of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Look at bindings about which GitHub's last answer is older than this.
    pub before: OffsetDateTime,
    /// Go on after this one: [`Swept::next`] of the stretch before.
    pub after: Option<Unverified>,
    /// Ask GitHub about at most as many.
    pub limit: u32,
    /// Leave this share of what GitHub lets the App ask to everybody else, in percent.
    pub reserve_percent: u8,
}

/// What a stretch of a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// Bindings that are active.
    pub active: u32,
    /// Bindings that are suspended.
    pub suspended: u32,
    /// Bindings whose installation is gone.
    pub uninstalled: u32,
    /// Bindings whose installation GitHub says is on another account.
    pub account_changed: u32,
    /// What could not be asked about; the next sweep tries again.
    pub failed: Vec<(InstallationId, PortError)>,
    /// Where the next stretch goes on; `None`: this sweep is through.
    pub next: Option<Unverified>,
    /// Before this time GitHub does not want to be asked again (invariant I19), or should not be, to leave some of its
    /// rate to others.
    pub not_before: Option<OffsetDateTime>,
}

impl Swept {
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
    /// Only where the bindings cannot be listed; trouble with a single one is in [`Swept::failed`].
    pub async fn reconcile(&self, sweep: Sweep) -> Result<Swept, PortError> {
        let due = self.ports.bindings.unverified_since(sweep.before, sweep.after, sweep.limit).await?;
        let mut swept = Swept::default();
        let mut done = sweep.after;
        let mut in_a_row = 0;
        let all = due.len() < sweep.limit as usize;
        for unverified in due {
            if let Some(not_before) = self.spent_beyond(sweep.reserve_percent) {
                (swept.next, swept.not_before) = (resume(done, unverified), Some(not_before));
                return Ok(swept);
            }
            match self.refresh(unverified.installation).await {
                Ok(standing) => {
                    in_a_row = 0;
                    swept.count(standing);
                }
                Err(error) => {
                    in_a_row += 1;
                    let pause = match error.kind() {
                        PortErrorKind::RateLimited { retry_after } => Some(retry_after),
                        // Nobody else's installation would fare better.
                        PortErrorKind::Rejected => Some(Duration::from_secs(60)),
                        PortErrorKind::Unavailable | PortErrorKind::Corrupt | PortErrorKind::Unexpected => {
                            (in_a_row >= FAILURES_IN_A_ROW).then_some(Duration::from_secs(60))
                        }
                    };
                    swept.failed.push((unverified.installation, error));
                    if let Some(pause) = pause {
                        (swept.next, swept.not_before) = (resume(done, unverified), Some(self.now() + pause));
                        return Ok(swept);
                    }
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
fn resume(done: Option<Unverified>, undone: Unverified) -> Option<Unverified> {
    let just_before = || Unverified {
        verified_at: undone.verified_at.saturating_sub(time::Duration::MICROSECOND),
        installation: undone.installation,
    };
    Some(done.unwrap_or_else(just_before))
}

impl Swept {
    fn count(&mut self, standing: Standing) {
        match standing {
            Standing::Present(Status::Active) => self.active += 1,
            Standing::Present(Status::Suspended) => self.suspended += 1,
            Standing::Present(Status::Uninstalled) | Standing::Gone => self.uninstalled += 1,
            Standing::AccountChanged => self.account_changed += 1,
            // It was unbound meanwhile, and forgotten.
            Standing::Unknown => {}
        }
    }
}
