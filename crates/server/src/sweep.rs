//! A sweep, stretch by stretch: what `serve` does in the background and `reconcile` on demand.

use std::error::Error;
use std::time::Duration;

use dockline::ports::{Clock, ReconcileCursor, SystemClock};
use dockline::{Dockline, InstallationId, Pause, PauseCause, PortError, ReconcileBatch, ReconcileReport};
use time::OffsetDateTime;

/// Bindings that are asked about before anything is told of it.
const STRETCH: u32 = 25;

/// What of GitHub's rate a sweep leaves to registrations and tokens, in percent.
const RESERVE_PERCENT: u8 = 25;

/// How many stretches in a row may come to nothing before the sweep is given up.
const IN_VAIN: u32 = 3;

/// Where a sweep stands.
#[derive(Debug)]
pub(crate) struct Sweeping {
    before: OffsetDateTime,
    after: Option<ReconcileCursor>,
    left: Option<u64>,
    in_vain: u32,
    /// What it came to so far.
    pub(crate) tally: Tally,
}

/// What a sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) active: u64,
    pub(crate) suspended: u64,
    pub(crate) uninstalled: u64,
    pub(crate) account_changed: u64,
    pub(crate) failed: u64,
}

/// What comes after a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// Another stretch.
    Go,
    /// Another stretch, after this time.
    Wait(Duration),
    /// Nothing: all were asked about.
    Through,
    /// Nothing: as many as were allowed were asked about.
    Enough,
    /// Nothing: GitHub or the store is out of order, and with what error.
    GiveUp(Option<String>),
}

/// One stretch of it.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) then: Then,
    /// What could not be asked about, and why.
    pub(crate) failed: Vec<(InstallationId, String)>,
}

impl Tally {
    /// How many were asked about.
    pub(crate) const fn asked(&self) -> u64 {
        self.active + self.suspended + self.uninstalled + self.account_changed + self.failed
    }
}

impl Sweeping {
    /// Begins with what was verified longest ago: at least `unverified_for`. `limit` bounds how many are asked about.
    pub(crate) fn begin(unverified_for: Duration, limit: Option<u64>) -> Self {
        let before = SystemClock.now() - unverified_for;
        Self { before, after: None, left: limit, in_vain: 0, tally: Tally::default() }
    }

    /// Goes on a little. Dropped halfway it leaves nothing half done.
    ///
    /// # Errors
    /// Where the bindings cannot be listed.
    pub(crate) async fn stretch(&mut self, dockline: &Dockline) -> Result<Stretch, PortError> {
        let limit = self.left.map_or(STRETCH, |left| u32::try_from(left).unwrap_or(STRETCH).min(STRETCH));
        if limit == 0 {
            return Ok(Stretch { then: Then::Enough, failed: Vec::new() });
        }
        let (before, after) = (self.before, self.after);
        let sweep = ReconcileBatch { before, after, limit, reserve_percent: RESERVE_PERCENT };
        let swept = dockline.reconcile(sweep).await?;
        Ok(self.count(swept))
    }

    fn count(&mut self, swept: ReconcileReport) -> Stretch {
        let asked = swept.asked() as u64;
        let failed = swept.failed.len() as u64;
        self.tally.active += u64::from(swept.active);
        self.tally.suspended += u64::from(swept.suspended);
        self.tally.uninstalled += u64::from(swept.uninstalled);
        self.tally.account_changed += u64::from(swept.account_changed);
        self.tally.failed += failed;
        self.left = self.left.map(|left| left.saturating_sub(asked));
        self.after = swept.next;
        self.in_vain = if asked == failed { self.in_vain + 1 } else { 0 };
        let in_vain = self.in_vain >= IN_VAIN;
        let then = match (swept.next, swept.paused) {
            (None, _) => Then::Through,
            (_, Some(Pause { cause: PauseCause::Rejected(error), .. })) => Then::GiveUp(Some(told(&error))),
            (_, Some(Pause { cause: PauseCause::OutOfReach(error), .. })) if in_vain => {
                Then::GiveUp(Some(told(&error)))
            }
            _ if in_vain => Then::GiveUp(None),
            (Some(_), None) if self.left == Some(0) => Then::Enough,
            (Some(_), None) => Then::Go,
            (Some(_), Some(pause)) => {
                Then::Wait((pause.until - SystemClock.now()).try_into().unwrap_or_default())
            }
        };
        let failed = swept.failed.into_iter().map(|(installation, error)| (installation, told(&error)));
        Stretch { then, failed: failed.collect() }
    }
}

fn told(error: &PortError) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
