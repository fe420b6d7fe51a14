//! The cap of a UTC day.

use std::time::Duration;

use dockline::ports::{RateLimitRequest, RateLimiter};
use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};

use super::{NOON, SHORTEST, allowed, limited, reads, sized, writes};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const MIDNIGHT: OffsetDateTime = datetime!(2026-06-02 00:00 UTC);

/// 60 at noon and 40 a minute later: the whole of the day's 100.
async fn use_up_the_day(limiter: &dyn RateLimiter) {
    allowed(limiter, writes(60, NOON)).await;
    allowed(limiter, writes(40, NOON + MINUTE)).await;
}

/// The cap of the day is waited for until midnight UTC.
pub async fn writes_are_capped_by_the_day(limiter: &dyn RateLimiter) {
    use_up_the_day(limiter).await;
    let (budget, retry_after) = limited(limiter, writes(1, NOON + HOUR)).await;
    assert_eq!(budget.remaining, 0);
    assert_eq!(retry_after, 11 * HOUR);
}

/// Where the tier has no cap, a day is as long as its minutes.
pub async fn reads_have_no_cap_by_the_day(limiter: &dyn RateLimiter) {
    for minute in 0..300 {
        allowed(limiter, reads(120, NOON + MINUTE * minute)).await;
    }
}

/// Whatever the offset in which the time is written.
pub async fn the_day_begins_at_midnight_utc(limiter: &dyn RateLimiter) {
    use_up_the_day(limiter).await;
    limited(limiter, writes(1, MIDNIGHT - SHORTEST)).await;
    let in_tokyo = MIDNIGHT.to_offset(UtcOffset::from_hms(9, 0, 0).unwrap());
    limited(limiter, writes(1, in_tokyo - SHORTEST)).await;
    assert_eq!(allowed(limiter, writes(60, in_tokyo)).await.remaining, 0);
    assert_eq!(allowed(limiter, writes(40, MIDNIGHT + MINUTE)).await.remaining, 0);
    limited(limiter, writes(1, MIDNIGHT + HOUR)).await;
}

/// `remaining` is the smaller of the minute's and the day's.
pub async fn what_is_left_of_the_day_limits_what_remains(limiter: &dyn RateLimiter) {
    allowed(limiter, writes(60, NOON)).await;
    assert_eq!(allowed(limiter, writes(0, NOON + HOUR)).await.remaining, 40);
    let (budget, _) = limited(limiter, writes(41, NOON + HOUR)).await;
    assert_eq!(budget.remaining, 40);
    allowed(limiter, writes(40, NOON + HOUR)).await;
}

/// `reset_after` is about the day's cap where less than a minute's limit is left of it.
pub async fn the_budget_is_full_again_at_midnight_where_the_day_is_short(limiter: &dyn RateLimiter) {
    // 40 of 100 are left for more than a minute's 60: the bucket decides.
    assert_eq!(allowed(limiter, writes(40, NOON)).await.reset_after, Duration::from_secs(40));
    // 59 are left: the day decides.
    let budget = allowed(limiter, writes(1, NOON + MINUTE)).await;
    assert_eq!(budget.reset_after, 12 * HOUR - MINUTE);
    assert_eq!(allowed(limiter, writes(0, MIDNIGHT)).await.remaining, 60);
}

/// A new day fills no bucket.
pub async fn over_midnight_the_bucket_is_waited_for_too(limiter: &dyn RateLimiter) {
    let before = MIDNIGHT - Duration::from_secs(1);
    let small = |now| RateLimitRequest { tier: sized(0, 60, 60), ..writes(60, now) };
    allowed(limiter, small(before)).await;
    let (budget, retry_after) = limited(limiter, small(before)).await;
    assert_eq!((budget.reset_after, retry_after), (MINUTE, MINUTE));
    limited(limiter, small(MIDNIGHT)).await;
    allowed(limiter, small(before + MINUTE)).await;
}

/// The day is the UTC day from the first question on.
pub async fn the_first_question_may_come_in_any_offset(limiter: &dyn RateLimiter) {
    let far_east = NOON.to_offset(UtcOffset::from_hms(14, 0, 0).unwrap()); // tomorrow, there
    let small = |now| RateLimitRequest { tier: sized(0, 60, 1), ..writes(1, now) };
    assert_eq!(allowed(limiter, small(far_east)).await.reset_after, 12 * HOUR);
    allowed(limiter, small(MIDNIGHT)).await;
}

/// What cannot be allowed is not promised for soon.
pub async fn more_than_a_whole_day_is_never_there(limiter: &dyn RateLimiter) {
    let small = |permits| RateLimitRequest { tier: sized(0, 60, 10), ..writes(permits, NOON) };
    let (budget, retry_after) = limited(limiter, small(11)).await;
    assert_eq!(budget.remaining, 10);
    assert!(retry_after > Duration::from_secs(10 * 365 * 86_400), "{retry_after:?}");
    allowed(limiter, small(10)).await;
}
