use time::Duration as Span;
use time::macros::datetime;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

fn tier(per_minute: u32, per_day: u32) -> Tier {
    Tier {
        name: "test".into(),
        reads_per_minute: per_minute,
        writes_per_minute: per_minute,
        writes_per_day: per_day,
    }
}

fn bucket(per_minute: u32, per_day: u32) -> Bucket {
    Bucket::full(BudgetClass::Write, &tier(per_minute, per_day), NOON)
}

/// The permits that are left, and the time until the budget is full, in milliseconds.
fn level(bucket: &Bucket, now: OffsetDateTime) -> (u32, u128) {
    let budget = bucket.budget(now);
    (budget.remaining, budget.reset_after.as_millis())
}

#[test]
fn a_bucket_refills_evenly_over_a_minute() {
    let mut bucket = bucket(60, 1_000);
    assert_eq!(level(&bucket, NOON), (60, 0));
    assert_eq!(bucket.charge(60, NOON), Ok(()));
    assert_eq!(level(&bucket, NOON), (0, 60_000));
    assert_eq!(bucket.charge(2, NOON), Err(Duration::from_secs(2)));
    let now = NOON + Span::milliseconds(1_500);
    bucket.catch_up(&tier(60, 1_000), now);
    assert_eq!(level(&bucket, now), (1, 58_500));
    assert_eq!(bucket.charge(2, now), Err(Duration::from_millis(500)));
    // Without catching up, the wait counts from the time of the level.
    assert_eq!(bucket.wait_for(2, now + Span::milliseconds(200)), Duration::from_millis(500));
    assert_eq!(bucket.wait_for(2, now - Span::milliseconds(200)), Duration::from_millis(700));
    assert_eq!(bucket.charge(1, now), Ok(()));
    let full = now + Span::HOUR;
    bucket.catch_up(&tier(60, 1_000), full);
    assert_eq!(level(&bucket, full), (60, 0));
}

#[test]
fn more_than_the_whole_budget_is_never_available_and_nothing_always() {
    let mut bucket = bucket(60, 100);
    assert_eq!(bucket.charge(61, NOON), Err(NEVER));
    assert_eq!(bucket.charge(60, NOON), Ok(()));
    assert_eq!(bucket.charge(0, NOON), Ok(()));
    let mut small = self::bucket(60, 10);
    assert_eq!(small.charge(11, NOON), Err(NEVER));
    assert_eq!(small.charge(10, NOON), Ok(()));
    let reads = Bucket::full(BudgetClass::Read, &tier(60, 10), NOON);
    assert_eq!(reads.wait_for(60, NOON), Duration::ZERO);
    let none = self::bucket(0, 0);
    assert_eq!((none.wait_for(1, NOON), level(&none, NOON)), (NEVER, (0, 0)));
}

#[test]
fn the_daily_cap_ends_at_midnight_utc() {
    let mut bucket = bucket(60, 100);
    let twelve_hours = Duration::from_secs(12 * 60 * 60);
    assert_eq!(bucket.charge(40, NOON), Ok(()));
    // 60 of the day are left, as much as a minute's limit: only the refill counts.
    assert_eq!(level(&bucket, NOON), (20, 40_000));
    let now = NOON + Span::MINUTE;
    bucket.catch_up(&tier(60, 100), now);
    assert_eq!(bucket.charge(59, now), Ok(()));
    let rest = twelve_hours - Duration::from_secs(60);
    assert_eq!(level(&bucket, now), (1, rest.as_millis()));
    assert_eq!(bucket.charge(1, now), Ok(()));
    assert_eq!(bucket.charge(1, now), Err(rest));
    // The bucket refills, the day's cap does not.
    let later = NOON + Span::HOUR;
    bucket.catch_up(&tier(60, 100), later);
    assert_eq!(level(&bucket, later).0, 0);
    let midnight = NOON + Span::hours(12);
    bucket.catch_up(&tier(60, 100), midnight);
    assert_eq!((level(&bucket, midnight), bucket.used_today), ((60, 0), 0));
    // The same day in another offset is the day in UTC.
    let offset = UtcOffset::from_hms(5, 0, 0).unwrap();
    let mut elsewhere = Bucket::full(BudgetClass::Write, &tier(60, 100), NOON.to_offset(offset));
    assert_eq!(elsewhere.charge(60, NOON), Ok(()));
    let next_day_there = (NOON + Span::hours(8)).to_offset(offset);
    elsewhere.catch_up(&tier(60, 100), next_day_there);
    assert_eq!(elsewhere.used_today, 60);
    let reads = Bucket::full(BudgetClass::Read, &tier(60, 0), NOON);
    assert_eq!(level(&reads, NOON).0, 60);
}

#[test]
fn a_new_tier_applies_at_once_and_adds_no_permits() {
    let mut bucket = bucket(60, 1_000);
    assert_eq!(bucket.charge(30, NOON), Ok(()));
    bucket.catch_up(&tier(600, 1_000), NOON);
    assert_eq!(level(&bucket, NOON), (30, 57_000));
    bucket.catch_up(&tier(10, 1_000), NOON);
    assert_eq!(level(&bucket, NOON), (10, 0));
    bucket.catch_up(&tier(60, 5), NOON);
    assert_eq!(level(&bucket, NOON).0, 0);
}

#[test]
fn a_clock_that_is_behind_adds_nothing_and_blocks_for_an_hour_at_most_i_27() {
    let emptied = || {
        let mut bucket = bucket(60, 1_000);
        assert_eq!(bucket.charge(60, NOON), Ok(()));
        bucket
    };
    // Within the tolerance the time of the level stays.
    let mut bucket = emptied();
    bucket.catch_up(&tier(60, 1_000), NOON - Span::HOUR);
    assert_eq!(bucket.at, NOON);
    bucket.catch_up(&tier(60, 1_000), NOON + Span::SECOND);
    assert_eq!(level(&bucket, NOON + Span::SECOND).0, 1);
    // In between, the clock's own progress counts.
    let mut bucket = emptied();
    let behind = NOON - Span::minutes(50);
    bucket.catch_up(&tier(60, 1_000), behind);
    assert_eq!(bucket.charge(1, behind), Err(Duration::from_secs(1)));
    bucket.catch_up(&tier(60, 1_000), behind + Span::SECOND);
    assert_eq!((bucket.at, level(&bucket, behind + Span::SECOND).0), (NOON + Span::SECOND, 1));
    // The same second counts once for both clocks.
    bucket.catch_up(&tier(60, 1_000), NOON + Span::SECOND);
    assert_eq!(level(&bucket, NOON + Span::SECOND).0, 1);
    // Beyond it, counting continues from the clock's time.
    let mut bucket = emptied();
    let behind = NOON - Span::HOUR - Span::NANOSECOND;
    bucket.catch_up(&tier(60, 1_000), behind);
    assert_eq!((bucket.at, bucket.used_today, level(&bucket, behind).0), (behind, 60, 0));
}

#[test]
fn a_bucket_can_be_dropped_when_a_full_one_would_decide_the_same() {
    let mut bucket = bucket(60, 1_000);
    let after = |span: Span| NOON + Span::HOUR + span;
    assert!(!bucket.is_spare(after(Span::ZERO)));
    assert!(bucket.is_spare(after(Span::NANOSECOND)));
    // Used permits of the day keep it until the day has ended for all clocks within the tolerance.
    assert_eq!(bucket.charge(1, NOON), Ok(()));
    assert!(!bucket.is_spare(after(Span::HOUR)));
    assert!(!bucket.is_spare(NOON + Span::hours(13) - Span::NANOSECOND));
    assert!(bucket.is_spare(NOON + Span::hours(13)));
}
