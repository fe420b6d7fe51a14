//! What `RateLimiter` promises, kept by `MemoryRateLimiter`. The clauses take any `&dyn RateLimiter`.

#![expect(clippy::unwrap_used, reason = "fixtures are valid, and memory does not fail")]

mod clocks;
mod daily;
mod fixtures;
mod minute;
mod races;
mod waiting;

macro_rules! clauses {
    ($($file:ident: $($clause:ident),+;)+) => {$($(
        #[test]
        fn $clause() {
            pollster::block_on($file::$clause(&dockline_memory::MemoryRateLimiter::new()));
        }
    )+)+};
}

clauses! {
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
        a_tier_of_nothing_allows_nothing_but_looks;
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
}
