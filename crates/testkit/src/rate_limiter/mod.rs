//! What a [`RateLimiter`] promises. [`rate_limiter_suite!`](crate::rate_limiter_suite) runs it all.

use std::borrow::Cow;
use std::time::Duration;

use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};
use dockline::{Budget, BudgetClass, BudgetKey, KeyId, Tier};
use time::OffsetDateTime;

pub mod clocks;
pub mod daily;
pub mod minute;
pub mod races;
pub mod waiting;

pub(crate) use crate::fixtures::NOON;

/// The finest time that a clause tells apart: what common databases keep.
const SHORTEST: Duration = Duration::from_micros(1);

/// One `#[test]` for each clause of [`RateLimiter`](crate::dockline::ports::RateLimiter), in a module `rate_limiter`.
///
/// Takes a future that gives a fresh, isolated limiter, or `(guard, limiter)`, and where the guard has to be taken down
/// asynchronously, `teardown = |guard| async move { … }`.
#[macro_export]
macro_rules! rate_limiter_suite {
    ($fresh:expr) => {
        $crate::rate_limiter_suite!($fresh, teardown = $crate::runner::drop_guard);
    };
    ($fresh:expr, teardown = $teardown:expr) => {
        $crate::__suite! {
            rate_limiter, $crate::dockline::ports::RateLimiter, $fresh, $teardown;
            minute:
                a_key_may_burst_to_its_limit_and_not_beyond,
                permits_are_charged_all_or_none,
                a_refusal_charges_nothing,
                a_look_charges_nothing,
                a_look_at_an_empty_budget_is_allowed,
                the_bucket_refills_evenly,
                a_bucket_never_holds_more_than_its_limit,
                looking_often_neither_makes_nor_loses_budget,
                keys_and_classes_do_not_share,
                a_larger_tier_counts_from_the_next_question,
                a_smaller_tier_cuts_what_is_left,
                more_than_the_whole_budget_is_never_there,
                a_tier_of_nothing_allows_nothing_but_looks,
                the_largest_tier_is_a_tier;
            daily:
                writes_are_capped_by_the_day,
                reads_have_no_cap_by_the_day,
                the_day_begins_at_midnight_utc,
                what_is_left_of_the_day_limits_what_remains,
                the_budget_is_full_again_at_midnight_where_the_day_is_short,
                over_midnight_the_bucket_is_waited_for_too,
                the_first_question_may_come_in_any_offset,
                more_than_a_whole_day_is_never_there;
            clocks:
                a_clock_that_goes_back_gives_nothing_back,
                a_clock_that_goes_back_over_midnight_gives_no_day_back,
                callers_whose_clocks_differ_make_no_budget_of_it,
                a_clock_that_is_a_little_behind_is_waited_for,
                a_smaller_tier_cuts_also_while_the_clock_is_behind,
                a_clock_that_was_far_ahead_does_not_block_for_ever,
                a_budget_that_is_left_is_there_whatever_the_clock_says,
                the_far_ends_of_time_do_no_harm;
            waiting:
                whoever_waits_as_long_as_answered_gets_through_and_not_earlier;
            @shared races:
                a_budget_is_exact_under_concurrent_callers,
                a_days_cap_is_exact_under_concurrent_callers_on_differing_clocks;
        }
    };
}

/// 120 reads and 60 writes a minute, 100 writes a day.
pub(crate) fn tier() -> Tier {
    sized(120, 60, 100)
}

pub(crate) fn sized(reads_per_minute: u32, writes_per_minute: u32, writes_per_day: u32) -> Tier {
    Tier { name: Cow::Borrowed("fixture"), reads_per_minute, writes_per_minute, writes_per_day }
}

pub(crate) fn reads(permits: u32, now: OffsetDateTime) -> RateLimitRequest {
    RateLimitRequest { key: key("0123456789ABCDEF"), class: BudgetClass::Read, tier: tier(), permits, now }
}

pub(crate) fn writes(permits: u32, now: OffsetDateTime) -> RateLimitRequest {
    RateLimitRequest { class: BudgetClass::Write, ..reads(permits, now) }
}

pub(crate) fn key(id: &str) -> BudgetKey {
    BudgetKey::from(&KeyId::parse(id).unwrap())
}

pub(crate) async fn ask(limiter: &dyn RateLimiter, request: RateLimitRequest) -> RateLimitDecision {
    limiter.check(request).await.unwrap()
}

/// The budget after a question that must be allowed.
pub(crate) async fn allowed(limiter: &dyn RateLimiter, request: RateLimitRequest) -> Budget {
    match ask(limiter, request).await {
        RateLimitDecision::Allowed(budget) => budget,
        limited @ RateLimitDecision::Limited { .. } => unreachable!("not allowed: {limited:?}"),
    }
}

/// The budget and the wait after a question that must not be allowed.
pub(crate) async fn limited(limiter: &dyn RateLimiter, request: RateLimitRequest) -> (Budget, Duration) {
    match ask(limiter, request).await {
        RateLimitDecision::Limited { budget, retry_after } => (budget, retry_after),
        allowed @ RateLimitDecision::Allowed(_) => unreachable!("not limited: {allowed:?}"),
    }
}
