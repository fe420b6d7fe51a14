//! What a [`GithubGateway`] promises. [`github_gateway_suite!`](crate::github_gateway_suite) runs it all.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::GithubGateway;
use dockline::{
    Access, AccountId, AccountKind, AuthorizationCode, Installation, InstallationId, PermissionName,
    Repository,
};

pub mod finding;
pub mod installers;
pub mod listing;
pub mod minting;
pub mod proving;
pub mod removing;
pub mod trouble;

/// The far side: a GitHub that can be put into a state, and the gateway that asks it.
#[async_trait]
pub trait GatewayDriver: Debug + Send + Sync + 'static {
    /// The gateway under test, with an OAuth client. Its GitHub tells how much is left of the App's limit.
    fn gateway(&self) -> &dyn GithubGateway;

    /// Somebody installs our App on a new account of this kind: what GitHub should say of it from now on.
    async fn install(&self, kind: AccountKind) -> Installation;

    /// Somebody installs another App.
    async fn install_another_app(&self) -> InstallationId;

    /// Somebody suspends an installation of our App.
    async fn suspend(&self, id: InstallationId);

    /// Somebody uninstalls our App.
    async fn uninstall(&self, id: InstallationId);

    /// A new visitor of this standing comes back from GitHub, with a fresh code for our App.
    async fn visitor(&self, standing: Standing, id: InstallationId) -> Visitor;

    /// What our App was granted on an installation: one permission at least.
    async fn granted(&self, id: InstallationId) -> BTreeMap<PermissionName, Access>;

    /// An installation of our App, which reached nothing so far, reaches so many new repositories from now on: what GitHub
    /// should say of them, in its order.
    async fn add_repositories(&self, id: InstallationId, count: usize) -> Vec<Repository>;

    /// From now on GitHub gives out tokens of the new format, or of the old one (GitHub facts 30, 32).
    async fn give_stateless_tokens(&self, stateless: bool);

    /// From now on GitHub refuses every token that it gives out for its first so many uses (GitHub fact 21).
    async fn refuse_fresh_tokens(&self, uses: u32);

    /// How many installations' tokens are good at this moment, or would be but for a suspension.
    async fn live_installation_tokens(&self) -> usize;

    /// Who installed an installation of our App. GitHub has it on record that it told our App, who may never have got it.
    async fn installed_by(&self, id: InstallationId) -> AccountId;

    /// GitHub sends our App so many webhooks that tell of no installation's birth.
    async fn send_other_webhooks(&self, count: usize);

    /// From now on every request to GitHub meets this.
    async fn trouble(&self, trouble: Trouble);

    /// Nothing goes wrong any more.
    async fn mend(&self);

    /// How many requests GitHub has received.
    async fn requests(&self) -> usize;

    /// How many visitors' tokens are good at this moment.
    async fn live_tokens(&self) -> usize;

    /// How long the gateway may take at most where GitHub does not answer.
    fn patience(&self) -> Duration;
}

/// How a visitor stands to the account that an installation is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An administrator of the organization; of a user's account: that user.
    Administrator,
    /// Sees the installation, without administering the account.
    Member,
    /// Has nothing to do with the account.
    Stranger,
}

/// Who came back from GitHub.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// GitHub's number of the person.
    pub id: AccountId,
    /// What the redirect brought.
    pub code: AuthorizationCode,
}

/// What is wrong with GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody is there, or whoever is there answers 5xx.
    Down,
    /// It takes requests and does not answer.
    Silent,
    /// It limits us.
    Limited {
        /// For how long: whole seconds.
        retry_after: Duration,
    },
    /// It answers 200 with what is not GitHub's.
    Garbage,
    /// It does not accept our App's credential.
    CredentialRefused,
}

/// One `#[test]` for each clause of [`GithubGateway`](crate::dockline::ports::GithubGateway), in a module
/// `github_gateway`.
///
/// Takes a future that gives a [`GatewayDriver`] over a GitHub on which nothing happened yet, or `(guard, driver)`, and
/// where the guard has to be taken down asynchronously, `teardown = |guard| async move { … }`.
#[macro_export]
macro_rules! github_gateway_suite {
    ($fresh:expr) => {
        $crate::github_gateway_suite!($fresh, teardown = $crate::runner::drop_guard);
    };
    ($fresh:expr, teardown = $teardown:expr) => {
        $crate::__suite! {
            github_gateway, $crate::github_gateway::GatewayDriver, $fresh, $teardown;
            finding:
                the_registration_is_known_without_asking,
                the_app_tells_who_it_is,
                an_installation_is_found_with_its_account,
                a_suspended_installation_is_found_as_such,
                an_uninstalled_installation_is_missing,
                an_id_that_was_never_given_out_is_missing,
                another_apps_installation_is_missing,
                a_lookup_makes_at_most_two_requests,
                what_is_left_is_known_without_asking;
            minting:
                a_token_without_narrowing_reaches_everything,
                tokens_of_both_formats_are_good,
                no_token_is_shown,
                a_token_reaches_only_the_repositories_that_it_was_narrowed_to,
                a_token_may_be_narrowed_to_what_was_granted,
                more_than_was_granted_is_refused_in_githubs_words,
                a_suspended_installation_gives_no_token,
                what_is_missing_gives_no_token,
                every_mint_gives_another_token,
                a_mint_makes_at_most_two_requests,
                a_revoked_token_has_ended_and_no_other,
                what_has_ended_may_be_revoked_again;
            listing:
                an_installation_without_repositories_lists_none,
                every_page_is_listed_as_it_is,
                a_token_that_has_ended_is_refused,
                a_fresh_token_that_is_refused_at_first_is_tried_again,
                an_old_token_is_refused_at_once;
            installers:
                the_installer_is_found_by_githubs_record,
                what_came_later_names_no_installer,
                an_installer_is_found_on_a_later_page,
                what_is_not_on_record_has_no_installer,
                a_search_for_an_installer_is_bounded;
            proving:
                an_administrator_is_witnessed_as_one,
                a_member_sees_and_does_not_administer,
                a_stranger_sees_nothing,
                a_user_is_witnessed_on_their_own_account,
                a_stranger_to_a_users_account_sees_nothing,
                an_installation_of_another_app_is_not_seen,
                an_uninstalled_installation_is_not_seen,
                a_code_is_good_once,
                a_made_up_code_is_refused,
                no_token_outlives_a_proof;
            removing:
                a_removed_installation_is_gone_at_github,
                what_was_gone_before_is_told_apart,
                one_removal_leaves_the_others;
            trouble:
                a_github_that_is_down_is_unavailable,
                a_github_that_does_not_answer_is_unavailable_in_time,
                a_limit_keeps_its_kind_and_its_time,
                what_is_not_githubs_is_corrupt,
                a_refused_credential_is_rejected,
                trouble_that_passes_leaves_nothing_behind;
        }
    };
}
