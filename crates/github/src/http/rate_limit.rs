//! What GitHub asks of our request rate: pauses, and the App's remaining budget.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dockline::InstallationId;
use dockline::ports::RateLeft;
use time::OffsetDateTime;

use super::response::Response;

/// The longest pause. GitHub refills its budgets every hour.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// The time before which no request is sent.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<OffsetDateTime>>);

impl Pause {
    /// Starts a pause of `wait`, at most an hour. A pause that already ends later stays.
    pub(super) fn start(&self, now: OffsetDateTime, wait: Duration) {
        let until = now.saturating_add(bounded(wait));
        let mut end = lock(&self.0);
        *end = Some(end.map_or(until, |known| known.max(until)));
    }

    /// Returns the rest of the pause in whole seconds, rounded up; `None` if requests may be sent.
    pub(super) fn remaining(&self, now: OffsetDateTime) -> Option<Duration> {
        let mut end = lock(&self.0);
        let until = end.filter(|until| *until > now);
        // If the clock has been set back, the pause still ends within an hour.
        *end = until.map(|until| until.min(now.saturating_add(bounded(MAX_PAUSE))));
        let left = Duration::try_from((*end)? - now).unwrap_or(MAX_PAUSE);
        Some(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }
}

/// One pause for each installation that has used up its own hourly budget of thousands of requests, so the map stays
/// small.
#[derive(Debug, Default)]
pub(super) struct InstallationPauses(Mutex<HashMap<InstallationId, Pause>>);

impl InstallationPauses {
    /// Starts a pause for one installation and forgets the pauses that have ended.
    pub(super) fn start(&self, installation: InstallationId, now: OffsetDateTime, wait: Duration) {
        let mut pauses = lock(&self.0);
        pauses.retain(|_, pause| pause.remaining(now).is_some());
        pauses.entry(installation).or_default().start(now, wait);
    }

    /// Returns the rest of this installation's pause, as [`Pause::remaining`] does.
    pub(super) fn remaining(&self, installation: InstallationId, now: OffsetDateTime) -> Option<Duration> {
        lock(&self.0).get(&installation)?.remaining(now)
    }
}

/// The App's remaining budget according to its latest response. Responses without the headers, such as a proxy's, are
/// ignored.
#[derive(Default)]
pub(super) struct AppBudget(Mutex<Option<RateLeft>>);

impl AppBudget {
    pub(super) fn update(&self, response: &Response) {
        if let Some(left) = rate_left(response) {
            *lock(&self.0) = Some(left);
        }
    }

    pub(super) fn left(&self) -> Option<RateLeft> {
        *lock(&self.0)
    }
}

fn rate_left(response: &Response) -> Option<RateLeft> {
    let number = |name: &str| response.header(name)?.trim().parse::<u64>().ok();
    let resets_at = i64::try_from(number("x-ratelimit-reset")?).ok()?;
    Some(RateLeft {
        limit: number("x-ratelimit-limit")?,
        remaining: number("x-ratelimit-remaining")?,
        resets_at: OffsetDateTime::from_unix_timestamp(resets_at).ok()?,
    })
}

fn bounded(wait: Duration) -> time::Duration {
    time::Duration::try_from(wait.min(MAX_PAUSE)).unwrap_or(time::Duration::HOUR)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_github_said_and_never_earlier_i19() {
        let pause = Pause::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(pause.remaining(start), None);

        pause.start(start, Duration::from_secs(60));
        pause.start(start, Duration::from_secs(5));
        let left = pause.remaining(start);
        assert_eq!(left, Some(Duration::from_secs(60)), "a shorter pause does not replace it");
        let almost = start + time::Duration::milliseconds(59_001);
        assert_eq!(pause.remaining(almost), Some(Duration::from_secs(1)));
        assert_eq!(pause.remaining(start + time::Duration::seconds(60)), None);
    }

    #[test]
    fn each_installation_pauses_alone_and_ended_pauses_are_forgotten_i19() {
        let pauses = InstallationPauses::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        let [one, other] = [1, 2].map(|id| InstallationId::new(id).unwrap());
        pauses.start(one, start, Duration::from_secs(60));
        assert_eq!(pauses.remaining(one, start), Some(Duration::from_secs(60)));
        assert_eq!(pauses.remaining(other, start), None);
        let later = start + time::Duration::seconds(60);
        assert_eq!(pauses.remaining(one, later), None);
        pauses.start(other, later, Duration::from_secs(1));
        assert_eq!(pauses.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_pause_is_at_most_an_hour_even_if_the_clock_is_set_back_i27() {
        let pause = Pause::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        pause.start(start, Duration::from_secs(1 << 40));
        assert_eq!(pause.remaining(start), Some(MAX_PAUSE));

        let yesterday = start - time::Duration::DAY;
        assert_eq!(pause.remaining(yesterday), Some(MAX_PAUSE));
        assert_eq!(pause.remaining(yesterday + time::Duration::HOUR), None);
    }

    #[test]
    fn only_a_response_with_all_rate_limit_headers_updates_the_budget() {
        let budget = AppBudget::default();
        let update = |limit: &str, remaining: &str, reset: &str| {
            let headers = [
                ("x-ratelimit-limit", limit),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", reset),
            ];
            budget.update(&Response::new(200, &headers, ""));
            budget.left()
        };
        for (limit, remaining, reset) in [
            ("", "4999", "1795000000"),
            ("5000", "-1", "1795000000"),
            ("5000", "4999", "soon"),
            ("5000", "4999", "18446744073709551615"),
            ("5000", "4999", "9223372036854775807"),
        ] {
            assert_eq!(update(limit, remaining, reset), None, "{limit} {remaining} {reset}");
        }
        let resets_at = OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap();
        let expected = Some(RateLeft { limit: 5_000, remaining: 4_999, resets_at });
        assert_eq!(update("5000", " 4999", "1795000000"), expected);
        budget.update(&Response::new(502, &[("x-ratelimit-limit", "1")], ""));
        assert_eq!(budget.left(), expected);
    }
}
