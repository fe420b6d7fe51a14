//! What a [`StateStore`] promises. [`state_store_suite!`](crate::state_store_suite) runs it all.

use dockline::ports::StateStore;
use dockline::{IssuedState, PendingConfirmation, SecretDigest, SetupAction, StateDigest};
use time::OffsetDateTime;

pub mod discarding;
pub mod expiry;
pub mod issuing;
pub mod model;
pub mod races;
pub mod tying;
pub mod visiting;

pub(crate) use crate::fixtures::{NOON, claim, digest as ticket, organization};

/// One `#[test]` for each clause of [`StateStore`](crate::dockline::ports::StateStore), in a module `state_store`.
///
/// Takes a future that gives a fresh, empty, isolated store, or `(guard, store)`, and where the guard has to be taken
/// down asynchronously, `teardown = |guard| async move { … }`.
#[macro_export]
macro_rules! state_store_suite {
    ($fresh:expr) => {
        $crate::state_store_suite!($fresh, teardown = $crate::runner::drop_guard);
    };
    ($fresh:expr, teardown = $teardown:expr) => {
        $crate::__suite! {
            state_store, $crate::dockline::ports::StateStore, $fresh, $teardown;
            issuing:
                a_stored_state_is_found_by_its_organization_and_by_its_digest,
                every_field_of_a_state_comes_back,
                an_unknown_digest_is_found_by_nobody,
                another_organizations_state_is_none,
                a_repeated_put_replaces_a_state_that_nobody_touched,
                a_live_digest_of_another_organization_is_in_use,
                a_visited_state_is_in_use,
                a_tied_state_is_in_use,
                a_discarded_state_is_in_use_also_for_its_own_organization;
            expiry:
                an_expired_state_is_still_found,
                an_expired_state_is_still_worked_with,
                an_expired_row_is_replaced_whoever_and_whatever_it_was,
                a_row_is_live_until_just_before_it_expires,
                a_row_is_kept_for_a_whole_day_after_it_expired,
                a_clock_that_goes_back_forgets_nothing;
            visiting:
                a_visit_is_kept_beside_the_state,
                every_field_of_a_visit_comes_back,
                a_tied_state_holds_a_visit_and_keeps_its_tie,
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
                a_tied_state_can_be_discarded,
                the_ticket_of_the_open_question_discards,
                another_ticket_discards_nothing,
                a_ticket_without_a_question_discards_nothing;
            model:
                the_store_agrees_with_a_plain_list_on_every_sequence;
            @shared races:
                of_organizations_that_race_for_one_digest_one_gets_it,
                of_installations_that_race_for_one_state_one_is_tied,
                twins_that_race_are_told_of_one_tie,
                a_put_that_races_a_tie_does_not_wipe_it,
                a_ticket_that_is_shown_many_times_at_once_is_good_once,
                confirm_and_cancel_with_one_ticket_cannot_both_win,
                a_state_that_is_discarded_many_times_at_once_is_discarded_once;
        }
    };
}

pub(crate) fn digest() -> StateDigest {
    ticket("lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK")
}

/// The state of [`digest`], issued to `org_acme` at noon.
pub(crate) fn issued() -> IssuedState {
    issued_at(NOON)
}

pub(crate) fn issued_at(issued_at: OffsetDateTime) -> IssuedState {
    crate::fixtures::state_of("org_acme", digest(), issued_at)
}

/// A state of another digest, whose put shows the store what time it is.
pub(crate) fn another_at(time: OffsetDateTime) -> IssuedState {
    IssuedState { digest: ticket(&time.to_string()), ..issued_at(time) }
}

pub(crate) fn pending(ticket_name: &str) -> PendingConfirmation {
    PendingConfirmation {
        ticket: ticket(ticket_name),
        browser: SecretDigest::of(b"cookie"),
        claim: claim(1),
        setup_action: SetupAction::Install,
    }
}

pub(crate) async fn stored(states: &dyn StateStore) -> Option<IssuedState> {
    states.find_by_digest(&digest()).await.unwrap()
}
