//! What `StateStore` promises, kept by `MemoryStateStore`. The clauses take any `&dyn StateStore`.

#![expect(clippy::unwrap_used, reason = "fixtures are valid, and memory does not fail")]

mod discarding;
mod expiry;
mod fixtures;
mod issuing;
mod races;
mod tying;
mod visiting;

macro_rules! clauses {
    ($($file:ident: $($clause:ident),+;)+) => {$($(
        #[test]
        fn $clause() {
            pollster::block_on($file::$clause(&dockline_memory::MemoryStateStore::new()));
        }
    )+)+};
}

clauses! {
    issuing:
        a_stored_state_is_found_by_its_organization_and_by_its_digest,
        an_unknown_digest_is_found_by_nobody,
        another_organizations_state_is_none,
        a_repeated_put_replaces_a_state_that_nobody_touched,
        a_live_digest_of_another_organization_is_in_use,
        a_visited_state_is_in_use,
        a_tied_state_is_in_use,
        a_discarded_state_is_in_use_also_for_its_own_organization;
    expiry:
        an_expired_state_is_still_found,
        an_expired_row_is_replaced_whoever_and_whatever_it_was,
        a_row_is_live_until_just_before_it_expires,
        a_row_is_kept_for_a_whole_day_after_it_expired,
        a_row_that_expired_more_than_a_day_ago_is_forgotten_by_the_next_put,
        a_replaced_row_is_forgotten_by_its_new_expiry,
        a_clock_that_goes_back_forgets_nothing;
    visiting:
        a_visit_is_kept_beside_the_state,
        a_later_visit_takes_the_place_of_an_earlier_one,
        an_unknown_state_holds_no_visit,
        a_discarded_state_holds_no_visit;
    tying:
        a_state_is_tied_and_its_question_forgotten,
        the_first_tie_to_an_installation_stands,
        a_state_that_is_tied_to_another_installation_does_not_change,
        an_unknown_state_cannot_be_tied,
        a_discarded_state_cannot_be_tied,
        the_ticket_of_the_open_question_ties,
        another_ticket_changes_nothing,
        a_ticket_without_a_question_changes_nothing,
        a_ticket_is_good_once,
        the_ticket_of_an_earlier_question_is_worth_nothing;
    discarding:
        a_discarded_state_is_unknown_to_everybody,
        a_state_is_discarded_once,
        an_unknown_state_cannot_be_discarded,
        the_ticket_of_the_open_question_discards,
        another_ticket_discards_nothing,
        a_ticket_without_a_question_discards_nothing;
}
