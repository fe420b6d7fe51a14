//! What a [`BindingRepo`] promises. [`binding_repo_suite!`](crate::binding_repo_suite) runs it all.

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{Binding, InstallationRecord, NewBinding, Status};
use time::OffsetDateTime;

pub mod answering;
pub mod finding;
pub mod inserting;
pub mod installers;
pub mod knowing;
pub mod model;
pub mod observation_races;
pub mod observing;
pub mod races;
mod reference;
pub mod regranting;
pub mod releasing;
pub mod sweeping;

pub(crate) use crate::fixtures::{NOON, account, account_id, installation, organization, seconds};

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
            answering:
                an_observation_that_counts_is_recorded,
                an_older_observation_is_outdated,
                the_end_is_recorded_whenever_it_is_heard,
                what_is_said_of_an_uninstalled_installation_is_gone_and_changes_nothing,
                what_is_said_of_an_installation_that_was_seen_only_as_gone_is_gone;
            regranting:
                a_change_of_what_it_may_reach_raises_the_generation,
                a_change_of_what_an_unbound_installation_may_reach_counts_too,
                a_change_of_what_it_may_reach_says_nothing_else,
                a_change_of_what_an_unknown_installation_may_reach_is_outdated,
                a_change_of_what_an_uninstalled_installation_may_reach_is_gone;
            knowing:
                nothing_is_known_of_an_installation_that_nobody_told_of,
                an_unbound_installation_is_known_by_what_github_said,
                a_bound_installation_is_known_with_its_organization,
                a_released_installation_is_known_without_an_organization,
                an_installation_that_was_seen_only_as_gone_is_known_without_an_account,
                an_uninstalled_installation_keeps_its_account_and_its_organization,
                what_is_known_is_kept_to_the_microsecond,
                a_refused_insert_makes_nothing_known;
            installers:
                nobody_is_the_installer_of_what_was_never_noted,
                the_installer_that_was_noted_is_found,
                the_first_installer_stands,
                each_installation_has_an_installer_of_its_own,
                a_note_changes_nothing_else,
                nothing_else_changes_the_installer;
            sweeping:
                what_github_answered_about_before_is_due_and_at_that_time_is_not,
                the_longest_unverified_comes_first_and_the_lowest_number_among_equals,
                only_what_is_bound_is_due,
                an_uninstalled_installation_is_not_due_and_a_suspended_one_is,
                what_was_verified_meanwhile_is_not_due,
                what_did_not_count_as_an_answer_leaves_it_due,
                a_page_has_no_more_than_its_limit,
                pages_follow_on_one_another_also_among_equals,
                a_page_follows_on_what_is_not_there_any_more,
                a_sweep_that_verifies_what_it_sees_comes_to_each_once;
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
            @shared observation_races:
                binds_and_uninstalls_that_race_leave_nothing_that_looks_alive,
                answers_to_observations_that_race_are_of_their_moment,
                nothing_counts_after_an_end_that_raced_it,
                no_change_of_what_it_may_reach_is_lost_in_a_race,
                of_installers_that_race_one_stands;
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
    let InsertOutcome::Inserted(binding) = insertion.clone() else {
        unreachable!("not inserted: {insertion:?}")
    };
    binding
}

pub(crate) async fn found(repo: &dyn BindingRepo, name: &str) -> Option<Binding> {
    repo.find(&organization(name)).await.unwrap()
}

/// What is kept of an installation.
pub(crate) async fn record_of(repo: &dyn BindingRepo, number: u64) -> Option<InstallationRecord> {
    repo.installation(installation(number)).await.unwrap()
}

/// What an observation of an installation was worth.
pub(crate) async fn observed(
    repo: &dyn BindingRepo,
    number: u64,
    observation: Observation,
) -> ObserveOutcome {
    repo.observe(installation(number), observation).await.unwrap()
}
