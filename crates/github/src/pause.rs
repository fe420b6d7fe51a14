//! No call to GitHub before the time that it asked for (invariant I19).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dockline::InstallationId;
use time::OffsetDateTime;

/// The longest that an answer of GitHub's keeps us from calling it: its budgets are refilled every hour.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// Until when this instance leaves GitHub alone.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<Option<OffsetDateTime>>);

impl Pause {
    /// Remembers that GitHub asked to be left alone for `wait`. A later end already known stays.
    pub(crate) fn begin(&self, now: OffsetDateTime, wait: Duration) {
        let until = now.saturating_add(bounded(wait));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(kept.map_or(until, |known| known.max(until)));
    }

    /// How long GitHub is still to be left alone: whole seconds, rounded up; `None` when it may be called.
    pub(crate) fn remaining(&self, now: OffsetDateTime) -> Option<Duration> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = kept.filter(|until| *until > now);
        // A clock that was set back must not make the pause longer than GitHub can ask for (I27).
        *kept = until.map(|until| until.min(now.saturating_add(bounded(LONGEST))));
        let left = (*kept)? - now;
        let left = Duration::try_from(left).unwrap_or(LONGEST);
        Some(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }
}

/// Until when each installation leaves GitHub alone. Holds those of the last hour that used a whole budget of thousands of
/// requests up, so that it stays small.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<HashMap<InstallationId, Pause>>);

impl Pauses {
    /// As [`Pause::begin`], for one installation.
    pub(crate) fn begin(&self, installation: InstallationId, now: OffsetDateTime, wait: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, pause| pause.remaining(now).is_some());
        kept.entry(installation).or_default().begin(now, wait);
    }

    /// As [`Pause::remaining`], for one installation.
    pub(crate) fn remaining(&self, installation: InstallationId, now: OffsetDateTime) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&installation)?.remaining(now)
    }
}

fn bounded(wait: Duration) -> time::Duration {
    time::Duration::try_from(wait.min(LONGEST)).unwrap_or(time::Duration::HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_github_said_and_never_earlier_i19() {
        let pause = Pause::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(pause.remaining(start), None);

        pause.begin(start, Duration::from_secs(60));
        pause.begin(start, Duration::from_secs(5));
        assert_eq!(
            pause.remaining(start),
            Some(Duration::from_secs(60)),
            "a shorter one does not shorten it"
        );
        let almost = start + time::Duration::milliseconds(59_001);
        assert_eq!(pause.remaining(almost), Some(Duration::from_secs(1)));
        assert_eq!(pause.remaining(start + time::Duration::seconds(60)), None);
    }

    #[test]
    fn installations_pause_each_for_itself_and_are_forgotten_afterwards_i19() {
        let pauses = Pauses::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        let [one, other] = [1, 2].map(|id| InstallationId::new(id).unwrap());
        pauses.begin(one, start, Duration::from_secs(60));
        assert_eq!(pauses.remaining(one, start), Some(Duration::from_secs(60)));
        assert_eq!(pauses.remaining(other, start), None);
        let later = start + time::Duration::seconds(60);
        assert_eq!(pauses.remaining(one, later), None);
        pauses.begin(other, later, Duration::from_secs(1));
        assert_eq!(pauses.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_pause_is_an_hour_at_most_even_when_the_clock_is_set_back_i27() {
        let pause = Pause::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        pause.begin(start, Duration::from_secs(1 << 40));
        assert_eq!(pause.remaining(start), Some(LONGEST));

        let yesterday = start - time::Duration::DAY;
        assert_eq!(pause.remaining(yesterday), Some(LONGEST));
        assert_eq!(pause.remaining(yesterday + time::Duration::HOUR), None);
    }
}
