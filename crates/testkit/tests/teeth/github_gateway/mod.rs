//! A GitHub on paper, and a gateway to it that is right until it is told to be wrong.

mod driver;
mod fault;
mod gateway;
mod paper;
mod tokens;

use dockline_testkit::github_gateway::{
    GatewayDriver, finding, installers, listing, minting, proving, removing, trouble,
};

use crate::bites;
use fault::Fault;
use paper::Paper;

mod right {
    use super::*;

    // What is told to be right passes, so what bites below is the fault.
    dockline_testkit::github_gateway_suite!(async { Paper::with(Fault::Nothing) });
}

bites! {
    GatewayDriver;
    trouble_that_is_taken_for_absence: Paper::with(Fault::TakesTroubleForAbsence) =>
        trouble::a_github_that_is_down_is_unavailable,
        trouble::a_limit_keeps_its_kind_and_its_time,
        trouble::trouble_that_passes_leaves_nothing_behind;
    trouble_that_is_flattened: Paper::with(Fault::FlattensTrouble) =>
        trouble::a_limit_keeps_its_kind_and_its_time,
        trouble::what_is_not_githubs_is_corrupt,
        trouble::a_refused_credential_is_rejected;
    a_limit_that_is_guessed: Paper::with(Fault::GuessesTheLimit) =>
        trouble::a_limit_keeps_its_kind_and_its_time;
    members_that_are_taken_for_administrators: Paper::with(Fault::TakesMembersForAdministrators) =>
        proving::a_member_sees_and_does_not_administer;
    everything_shown_to_everybody: Paper::with(Fault::ShowsEverythingToEverybody) =>
        proving::a_stranger_sees_nothing,
        proving::a_stranger_to_a_users_account_sees_nothing;
    codes_that_are_good_twice: Paper::with(Fault::TakesCodesTwice) => proving::a_code_is_good_once;
    refused_codes_that_are_errors: Paper::with(Fault::FailsOnRefusedCodes) =>
        proving::a_made_up_code_is_refused;
    tokens_that_are_kept: Paper::with(Fault::KeepsTokens) => proving::no_token_outlives_a_proof;
    installations_that_are_remembered_for_ever: Paper::with(Fault::RemembersForEver) =>
        finding::an_uninstalled_installation_is_missing;
    suspension_that_is_overlooked: Paper::with(Fault::OverlooksSuspension) =>
        finding::a_suspended_installation_is_found_as_such;
    foreign_installations_that_are_found: Paper::with(Fault::FindsForeignInstallations) =>
        finding::another_apps_installation_is_missing;
    three_requests_for_one_lookup: Paper::with(Fault::AsksThrice) =>
        finding::a_lookup_makes_at_most_two_requests;
    a_registration_that_is_asked_for: Paper::with(Fault::AsksForItsRegistration) =>
        finding::the_registration_is_known_without_asking;
    accounts_that_are_mixed_up: Paper::with(Fault::MixesAccountsUp) =>
        finding::an_installation_is_found_with_its_account;
    removals_that_remove_nothing: Paper::with(Fault::RemovesNothing) =>
        removing::a_removed_installation_is_gone_at_github;
    removals_that_are_all_alike: Paper::with(Fault::AlwaysRemoved) =>
        removing::what_was_gone_before_is_told_apart;
    scopes_that_are_not_sent: Paper::with(Fault::IgnoresNarrowing) =>
        minting::a_token_reaches_only_the_repositories_that_it_was_narrowed_to,
        minting::more_than_was_granted_is_refused_in_githubs_words;
    names_that_narrow_nothing: Paper::with(Fault::IgnoresNames) =>
        minting::a_token_reaches_only_the_repositories_that_it_was_narrowed_to;
    installations_tokens_that_are_kept: Paper::with(Fault::KeepsInstallationTokens) =>
        minting::every_mint_gives_another_token;
    suspension_that_is_taken_for_absence: Paper::with(Fault::TakesSuspensionForAbsence) =>
        minting::a_suspended_installation_gives_no_token;
    refused_scopes_that_are_errors: Paper::with(Fault::FailsOnRefusedScopes) =>
        minting::more_than_was_granted_is_refused_in_githubs_words;
    words_that_are_lost: Paper::with(Fault::SwallowsGithubsWords) =>
        minting::more_than_was_granted_is_refused_in_githubs_words;
    tokens_for_foreign_installations: Paper::with(Fault::MintsForForeigners) =>
        minting::what_is_missing_gives_no_token;
    three_requests_for_one_mint: Paper::with(Fault::AsksThrice) =>
        minting::a_mint_makes_at_most_two_requests;
    tokens_of_one_format_only: Paper::with(Fault::KnowsTheOldFormatOnly) =>
        minting::tokens_of_both_formats_are_good;
    tokens_that_are_shown: Paper::with(Fault::ShowsTokens) => minting::no_token_is_shown;
    revocations_that_end_nothing: Paper::with(Fault::RevokesNothing) =>
        minting::a_revoked_token_has_ended_and_no_other;
    revocations_that_end_everything: Paper::with(Fault::RevokesEverything) =>
        minting::a_revoked_token_has_ended_and_no_other;
    ended_tokens_that_are_errors: Paper::with(Fault::FailsOnEndedTokens) =>
        minting::what_has_ended_may_be_revoked_again;
    pages_that_are_all_the_first: Paper::with(Fault::ListsTheFirstPageOnly) =>
        listing::every_page_is_listed_as_it_is;
    totals_of_one_page: Paper::with(Fault::CountsThePageOnly) => listing::every_page_is_listed_as_it_is;
    branches_that_are_assumed: Paper::with(Fault::AssumesMain) => listing::every_page_is_listed_as_it_is;
    fresh_tokens_that_are_given_up: Paper::with(Fault::GivesFreshTokensUp) =>
        listing::a_fresh_token_that_is_refused_at_first_is_tried_again;
    old_tokens_that_are_tried_again: Paper::with(Fault::TriesOldTokensAgain) =>
        listing::an_old_token_is_refused_at_once;
    refused_tokens_that_are_errors: Paper::with(Fault::FailsOnRefusedTokens) =>
        listing::a_token_that_has_ended_is_refused;
    installers_that_are_the_last: Paper::with(Fault::NamesTheLastInstaller) =>
        installers::the_installer_is_found_by_githubs_record,
        installers::what_is_not_on_record_has_no_installer;
    one_page_of_the_record: Paper::with(Fault::ReadsOnePageOfTheRecord) =>
        installers::an_installer_is_found_on_a_later_page;
    the_whole_record: Paper::with(Fault::ReadsTheWholeRecord) =>
        installers::a_search_for_an_installer_is_bounded;
    what_is_left_that_is_asked_for: Paper::with(Fault::AsksForWhatIsLeft) =>
        finding::what_is_left_is_known_without_asking;
}
