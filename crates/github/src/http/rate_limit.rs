//! GitHub's limits of our request rate: pauses, and the App's remaining budget.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dockline::InstallationId;
use dockline::ports::RateLeft;
use time::OffsetDateTime;

use super::response::Response;

/// The longest pause. GitHub refills its budgets every hour.
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// A credential at a host: GitHub's limits belong to it alone. A visitor's token has none, since it is revoked right after
/// the visit, and the next visit has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PauseKey {
    /// The App's JWT at the API.
    App,
    /// A token of this installation at the API.
    Installation(InstallationId),
    /// The OAuth client at the web host.
    OauthClient,
}

/// The time before which no request is sent, for each credential. It is monotonic, so that a clock that is set neither
/// shortens nor extends a pause.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<HashMap<PauseKey, Instant>>);

impl Pauses {
    /// Starts a pause of `wait`, at most an hour, and forgets the pauses that have ended. A pause that already ends later
    /// stays.
    pub(super) fn start(&self, key: PauseKey, now: Instant, wait: Duration) {
        let mut ends = lock(&self.0);
        ends.retain(|_, end| *end > now);
        let end = now + wait.min(MAX_PAUSE);
        ends.entry(key).and_modify(|known| *known = end.max(*known)).or_insert(end);
    }

    /// Returns the rest of the pause in whole seconds, rounded up; `None` if requests may be sent.
    pub(super) fn remaining(&self, key: PauseKey, now: Instant) -> Option<Duration> {
        let left = lock(&self.0).get(&key)?.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_github_said_and_never_earlier_i19() {
        let pauses = Pauses::default();
        let start = Instant::now();
        let left = |after| pauses.remaining(PauseKey::App, start + after);
        assert_eq!(left(Duration::ZERO), None);

        pauses.start(PauseKey::App, start, Duration::from_secs(60));
        pauses.start(PauseKey::App, start, Duration::from_secs(5));
        let shorter = "a shorter pause does not replace it";
        assert_eq!(left(Duration::ZERO), Some(Duration::from_secs(60)), "{shorter}");
        assert_eq!(left(Duration::from_millis(59_001)), Some(Duration::from_secs(1)));
        assert_eq!(left(Duration::from_secs(60)), None);

        pauses.start(PauseKey::App, start, Duration::from_secs(1 << 40));
        assert_eq!(left(Duration::ZERO), Some(MAX_PAUSE));
    }

    #[test]
    fn each_credential_pauses_alone_and_ended_pauses_are_forgotten_i19_i32() {
        let pauses = Pauses::default();
        let start = Instant::now();
        let [one, other] = [1, 2].map(|id| PauseKey::Installation(InstallationId::new(id).unwrap()));
        pauses.start(one, start, Duration::from_secs(60));
        assert_eq!(pauses.remaining(one, start), Some(Duration::from_secs(60)));
        for key in [other, PauseKey::App, PauseKey::OauthClient] {
            assert_eq!(pauses.remaining(key, start), None, "{key:?}");
        }
        let later = start + Duration::from_secs(60);
        assert_eq!(pauses.remaining(one, later), None);
        pauses.start(other, later, Duration::from_secs(1));
        assert_eq!(pauses.0.lock().unwrap().len(), 1);
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
