//! The cap of a UTC day.

use std::time::Duration;

use dockline::ports::{RateLimitRequest, RateLimiter};
use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};

use super::{NOON, RESOLUTION, allowed, limited, reads, tier_of, writes};
use crate::runner::cases;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const MIDNIGHT: OffsetDateTime = datetime!(2026-06-02 00:00 UTC);

/// Charges the day's 100 writes: 60 at noon and 40 a minute later.
async fn use_up_the_day(limiter: &dyn RateLimiter) {
    allowed(limiter, writes(60, NOON)).await;
    allowed(limiter, writes(40, NOON + MINUTE)).await;
}

cases!(
    use __rate_limiter_daily as list;

    /// After the day's cap, a write waits until midnight UTC.
    pub async fn writes_are_capped_per_day(limiter: &dyn RateLimiter) {
        use_up_the_day(limiter).await;
        let (budget, retry_after) = limited(limiter, writes(1, NOON + HOUR)).await;
        assert_eq!(budget.remaining, 0);
        assert_eq!(retry_after, 11 * HOUR);
    }

    /// Reads have no cap per day.
    pub async fn reads_have_no_daily_cap(limiter: &dyn RateLimiter) {
        for minute in 0..300 {
            allowed(limiter, reads(120, NOON + MINUTE * minute)).await;
        }
    }

    /// The day begins at midnight UTC, whatever the offset of the request's time.
    pub async fn day_begins_at_midnight_utc(limiter: &dyn RateLimiter) {
        use_up_the_day(limiter).await;
        limited(limiter, writes(1, MIDNIGHT - RESOLUTION)).await;
        let in_tokyo = MIDNIGHT.to_offset(UtcOffset::from_hms(9, 0, 0).unwrap());
        limited(limiter, writes(1, in_tokyo - RESOLUTION)).await;
        assert_eq!(allowed(limiter, writes(60, in_tokyo)).await.remaining, 0);
        assert_eq!(allowed(limiter, writes(40, MIDNIGHT + MINUTE)).await.remaining, 0);
        limited(limiter, writes(1, MIDNIGHT + HOUR)).await;
    }

    /// `remaining` is the smaller of the bucket's and the day's permits.
    pub async fn remaining_is_capped_by_the_day(limiter: &dyn RateLimiter) {
        allowed(limiter, writes(60, NOON)).await;
        assert_eq!(allowed(limiter, writes(0, NOON + HOUR)).await.remaining, 40);
        let (budget, _) = limited(limiter, writes(41, NOON + HOUR)).await;
        assert_eq!(budget.remaining, 40);
        allowed(limiter, writes(40, NOON + HOUR)).await;
    }

    /// `reset_after` lasts until midnight if the day has less left than the limit of a minute.
    pub async fn reset_is_at_midnight_if_the_day_runs_short(limiter: &dyn RateLimiter) {
        // The day has 60 left, as many as a minute: the bucket decides.
        assert_eq!(allowed(limiter, writes(40, NOON)).await.reset_after, Duration::from_secs(40));
        // The day has 59 left: the day decides.
        let budget = allowed(limiter, writes(1, NOON + MINUTE)).await;
        assert_eq!(budget.reset_after, 12 * HOUR - MINUTE);
        assert_eq!(allowed(limiter, writes(0, MIDNIGHT)).await.remaining, 60);
    }

    /// A new day does not fill the bucket of the minute.
    pub async fn midnight_does_not_fill_the_bucket(limiter: &dyn RateLimiter) {
        let before = MIDNIGHT - Duration::from_secs(1);
        let small = |now| RateLimitRequest { tier: tier_of(0, 60, 60), ..writes(60, now) };
        allowed(limiter, small(before)).await;
        let (budget, retry_after) = limited(limiter, small(before)).await;
        assert_eq!((budget.reset_after, retry_after), (MINUTE, MINUTE));
        limited(limiter, small(MIDNIGHT)).await;
        allowed(limiter, small(before + MINUTE)).await;
    }

    /// The first request of a key counts for its UTC day, whatever the offset of its time.
    pub async fn first_request_counts_for_its_utc_day(limiter: &dyn RateLimiter) {
        let far_east = NOON.to_offset(UtcOffset::from_hms(14, 0, 0).unwrap()); // the next day locally
        let small = |now| RateLimitRequest { tier: tier_of(0, 60, 1), ..writes(1, now) };
        assert_eq!(allowed(limiter, small(far_east)).await.reset_after, 12 * HOUR);
        allowed(limiter, small(MIDNIGHT)).await;
    }

    /// A request for more than the day's cap is limited, with a wait of more than ten years.
    pub async fn more_than_the_daily_cap_is_never_available(limiter: &dyn RateLimiter) {
        let small = |permits| RateLimitRequest { tier: tier_of(0, 60, 10), ..writes(permits, NOON) };
        let (budget, retry_after) = limited(limiter, small(11)).await;
        assert_eq!(budget.remaining, 10);
        assert!(retry_after > Duration::from_secs(10 * 365 * 86_400), "{retry_after:?}");
        allowed(limiter, small(10)).await;
    }
);
