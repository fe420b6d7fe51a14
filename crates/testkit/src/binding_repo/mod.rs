//! What a [`BindingRepo`] promises. [`binding_repo_suite!`](crate::binding_repo_suite) runs it all.

use dockline::ports::{BindingRepo, Insertion, Observation};
use dockline::{Binding, NewBinding, Status};
use time::OffsetDateTime;

pub mod finding;
pub mod inserting;
pub mod model;
pub mod observing;
pub mod races;
mod reference;
pub mod releasing;

pub(crate) use crate::fixtures::{NOON, account, installation, organization, seconds};

/// One `#[test]` for each clause of [`BindingRepo`](crate::dockline::ports::BindingRepo), in a module `binding_repo`.
///
/// Takes a future that gives a fresh, empty, isolated repository, or `(guard, repository)`, and where the guard has to
/// be taken down asynchronously, `teardown = |guard| async move { … }`.
#[macro_export]
macro_rules! binding_repo_suite {
    ($fresh:expr) => {
        $crate::binding_repo_suite!($fresh, teardown = $crate::runner::drop_guard);
    };
    ($fresh:expr, teardown = $teardown:expr) => {
        $crate::__suite! {
            binding_repo, $crate::dockline::ports::BindingRepo, $fresh, $teardown;
            finding:
                an_organization_without_a_binding_has_none,
                a_binding_is_found_by_its_organization_and_by_its_installation,
                times_are_kept_to_the_microsecond,
                numbers_beyond_32_bits_are_kept,
                an_organization_is_matched_by_the_letter;
            inserting:
                the_answer_is_the_row_as_stored,
                every_kind_of_row_is_kept,
                a_repeated_insert_answers_the_first_row,
                an_organization_that_is_bound_to_another_installation_is_occupied,
                an_installation_of_another_organization_is_taken,
                an_uninstalled_installation_is_gone,
                an_installation_that_was_uninstalled_before_anybody_bound_it_is_gone,
                a_binding_that_says_uninstalled_is_gone,
                a_state_that_was_spent_on_a_released_binding_is_spent,
                a_state_of_another_organization_is_not_spent,
                occupied_comes_before_taken_gone_and_spent,
                taken_comes_before_gone_and_spent,
                gone_comes_before_spent,
                a_refused_insert_changes_nothing,
                a_refused_insert_does_not_spend_its_state,
                newer_facts_of_an_insert_count,
                older_facts_of_an_insert_do_not;
            observing:
                an_observation_makes_no_binding,
                an_observation_moves_no_binding,
                facts_about_a_bound_installation_show_in_its_binding,
                facts_about_an_unbound_installation_are_remembered,
                a_change_of_status_raises_the_generation,
                a_change_of_account_raises_the_generation,
                an_observation_without_news_moves_only_the_time,
                an_observation_of_the_same_time_counts,
                an_older_observation_changes_nothing,
                the_end_of_an_installation_does_not_release_its_binding,
                nothing_brings_an_uninstalled_installation_back,
                the_end_counts_also_where_it_is_older_than_what_is_known,
                a_repeated_end_raises_no_generation,
                an_id_that_was_seen_only_as_gone_stays_gone,
                uninstalled_is_final_however_it_is_said;
            releasing:
                a_release_answers_the_binding_as_it_stood,
                a_released_organization_can_bind_again,
                a_released_installation_can_be_bound_by_another_organization,
                a_release_raises_the_generation,
                a_repeated_release_finds_nothing_bound,
                an_organization_without_a_binding_has_nothing_to_release,
                another_installation_than_the_bound_one_is_not_released,
                another_organization_releases_nothing,
                a_release_does_not_bring_an_uninstalled_installation_back;
            model:
                the_repository_agrees_with_a_plain_log_on_every_sequence;
            @shared races:
                of_installations_that_race_for_one_organization_one_is_bound,
                of_organizations_that_race_for_one_installation_one_gets_it,
                twins_that_race_are_all_answered_one_row,
                one_state_that_is_shown_for_two_installations_binds_one,
                one_state_makes_one_binding_ever_however_fast_it_is_released,
                a_bind_that_races_an_uninstall_never_looks_alive,
                of_observations_that_race_the_newest_stands,
                what_is_released_in_a_race_goes_to_one,
                a_binding_is_released_once;
        }
    };
}

pub(crate) fn new_binding(organization_name: &str, number: u64, state_name: &str) -> NewBinding {
    crate::fixtures::binding_of(organization_name, number, crate::fixtures::digest(state_name))
}

pub(crate) fn present(status: Status, login: &str, verified_at: OffsetDateTime) -> Observation {
    Observation::Present { status, account: account(login), verified_at }
}

pub(crate) const fn gone(verified_at: OffsetDateTime) -> Observation {
    Observation::Uninstalled { verified_at }
}

/// Inserts where nothing stands in the way.
pub(crate) async fn bind(repo: &dyn BindingRepo, new: NewBinding) -> Binding {
    let insertion = repo.insert(new).await.unwrap();
    let Insertion::Inserted(binding) = insertion.clone() else { unreachable!("not inserted: {insertion:?}") };
    binding
}

pub(crate) async fn found(repo: &dyn BindingRepo, name: &str) -> Option<Binding> {
    repo.find(&organization(name)).await.unwrap()
}
