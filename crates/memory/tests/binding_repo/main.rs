//! What `BindingRepo` promises, kept by `MemoryBindingRepo`. The clauses take any `&dyn BindingRepo`.

#![expect(clippy::unwrap_used, reason = "fixtures are valid, and memory does not fail")]

mod finding;
mod fixtures;
mod history;
mod inserting;
mod model;
mod observing;
mod races;
mod releasing;

macro_rules! clauses {
    ($($file:ident: $($clause:ident),+;)+) => {$($(
        #[test]
        fn $clause() {
            pollster::block_on($file::$clause(&dockline_memory::MemoryBindingRepo::new()));
        }
    )+)+};
}

clauses! {
    finding:
        an_organization_without_a_binding_has_none,
        a_binding_is_found_by_its_organization_and_by_its_installation,
        times_are_kept_to_the_microsecond;
    inserting:
        the_answer_is_the_row_as_stored,
        a_repeated_insert_answers_the_first_row,
        an_organization_that_is_bound_to_another_installation_is_occupied,
        an_installation_of_another_organization_is_taken,
        an_uninstalled_installation_is_gone,
        an_installation_that_was_uninstalled_before_anybody_bound_it_is_gone,
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
        an_older_observation_changes_nothing,
        the_end_of_an_installation_does_not_release_its_binding,
        nothing_brings_an_uninstalled_installation_back,
        the_end_counts_also_where_it_is_older_than_what_is_known,
        a_repeated_end_raises_no_generation,
        an_id_that_was_seen_only_as_gone_stays_gone;
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
}
