//! Decides on an entry of the outbox after an attempt.

use std::time::Duration as Pause;

use time::{Duration, OffsetDateTime};

use crate::model::{EntryStatus, FailedAttempt, FailureRecord, Verdict};

/// The time after the first failure from which an entry is set aside.
pub const SET_ASIDE_AFTER: Duration = Duration::minutes(10);

/// The number of refusals with which an entry is set aside.
pub const MOST_REFUSALS: u32 = 5;

/// The time after the first failure from which an entry is dead.
pub const DEAD_AFTER: Duration = Duration::days(3);

/// How long the key of a delivery is kept after the product accepted it, so that a redelivery is not sent again.
pub const KEYS_KEPT_FOR: Duration = Duration::days(7);

/// How long the body of a delivery is kept after the product accepted it, so that an operator can send it again.
pub const BODIES_KEPT_FOR: Duration = Duration::DAY;

/// How long a dead entry is kept.
pub const DEAD_KEPT_FOR: Duration = Duration::days(30);

/// How long an entry that is set aside waits behind others once its next attempt is due.
pub const LETS_PASS_FOR: Duration = Duration::MINUTE;

/// Returns whether an entry that is set aside is read before those that wait for their turn, so that a queue that never
/// empties does not keep it for ever.
#[must_use]
pub fn is_overdue(next_attempt_at: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    next_attempt_at.is_some_and(|next| next.saturating_add(LETS_PASS_FOR) <= now)
}

/// The shortest and the longest pause between attempts in the order of the queue.
const PAUSE_IN_ORDER: (Duration, Duration) = (Duration::SECOND, Duration::MINUTE);

/// The shortest and the longest pause between attempts of an entry that is set aside.
const PAUSE_ASIDE: (Duration, Duration) = (Duration::minutes(5), Duration::hours(3));

/// The answer of the product to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The product answered with this status.
    Answered {
        /// The status of HTTP.
        status: u16,
        /// `Retry-After`
        retry_after: Option<Pause>,
    },
    /// The product did not respond.
    Failed {
        /// The cause, for operators.
        cause: String,
    },
}

/// Decides on an entry after an attempt at `now`, given its status and its earlier failures:
///
/// | outcome | earlier failures | verdict |
/// |---|---|---|
/// | 2xx | any | done |
/// | 4xx but 408, 425, 429 | fewer than 4 such | retry later |
/// | 4xx but 408, 425, 429 | 4 such or more | set aside |
/// | any other | none, or the first less than 10 minutes ago | retry later |
/// | any other | the first at least 10 minutes ago | set aside |
/// | any but 2xx, of an entry that is set aside | the first less than 3 days ago | stays set aside |
/// | any but 2xx, of an entry that is set aside | the first at least 3 days ago | dead |
///
/// Pauses double from a second to a minute. For entries that are set aside, they are half the time since the first
/// failure, from 5 minutes to 3 hours. `jitter`, a random byte, shortens them by up to a quarter. `Retry-After`
/// lengthens a pause, up to the longest one.
#[must_use]
pub fn judge(
    status: EntryStatus,
    failures: &FailureRecord,
    outcome: &AttemptOutcome,
    now: OffsetDateTime,
    jitter: u8,
) -> Verdict {
    let (refused, cause, retry_after) = match outcome {
        AttemptOutcome::Answered { status: 200..=299, .. } => return Verdict::Done { at: now },
        AttemptOutcome::Answered { status, retry_after } => {
            let refused = matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429);
            (refused, format!("answered {status}"), *retry_after)
        }
        AttemptOutcome::Failed { cause } => (false, cause.clone(), None),
    };
    let failed = FailedAttempt { at: now, refused, cause };
    let record = failed.add_to(failures);
    let failing_for: Duration = record.first_at.map_or(Duration::ZERO, |first| now - first);
    let is_aside = status != EntryStatus::Waiting;
    if is_aside && failing_for >= DEAD_AFTER {
        return Verdict::Dead { failed };
    }
    let becomes_aside =
        is_aside || failing_for >= SET_ASIDE_AFTER || (refused && record.refusals >= MOST_REFUSALS);
    let (pause, longest) = if becomes_aside {
        let (shortest, longest) = PAUSE_ASIDE;
        ((failing_for / 2_i32).clamp(shortest, longest), longest)
    } else {
        let (shortest, longest) = PAUSE_IN_ORDER;
        let doublings = record.attempts.saturating_sub(1).min(10);
        (shortest.saturating_mul(1 << doublings).min(longest), longest)
    };
    let asked = retry_after.and_then(|pause| Duration::try_from(pause).ok()).unwrap_or_default();
    let next_attempt_at = now.saturating_add(shortened(pause, jitter).max(asked.min(longest)));
    if becomes_aside {
        Verdict::SetAside { failed, next_attempt_at }
    } else {
        Verdict::RetryLater { failed, next_attempt_at }
    }
}

fn shortened(pause: Duration, jitter: u8) -> Duration {
    pause - pause / 1024 * i32::from(jitter)
}
