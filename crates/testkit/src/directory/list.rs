//! Lists of live bindings: order, pages, conditions.

use dockline::ports::{DirectoryQuery, HistoryOf, LoginFilter, Observation};
use dockline::{BindingState, Proof, Status};
use time::Duration;

use super::{DirectoryDriver, bind, on_account, organizations};
use crate::binding_repo::{deleted, missing};
use crate::fixtures::{
    NOON, account_id, actor, in_the_east, in_the_west, installation, organization, seconds,
};
use crate::runner::cases;

fn in_state(state: BindingState) -> DirectoryQuery {
    DirectoryQuery { state: Some(state), ..DirectoryQuery::default() }
}

fn with_login(login: LoginFilter) -> DirectoryQuery {
    DirectoryQuery { login: Some(login), ..DirectoryQuery::default() }
}

cases!(
    use __directory_list as list;

    /// Bindings are listed by the bytes of the organization's id, each with the row that the repository returns.
    pub async fn list_is_ordered_by_organization(driver: &dyn DirectoryDriver) {
        for (number, name) in (1..).zip(["b", "a", "B", "a1", "~", "0"]) {
            bind(driver.bindings(), on_account(name, number, "acme")).await;
        }
        let listed = driver.directory().list(&DirectoryQuery::default(), 10).await.unwrap();
        let names: Vec<_> = listed.iter().map(|binding| binding.organization.as_str()).collect();
        assert_eq!(names, ["0", "B", "a", "a1", "b", "~"]);
        for binding in listed {
            let found = driver.bindings().find(&binding.organization).await.unwrap();
            assert_eq!(found, Some(binding));
        }
    }

    /// Pages that each start after the last organization of the one before contain each binding once.
    pub async fn pages_contain_each_binding_once(driver: &dyn DirectoryDriver) {
        for number in 1..=25 {
            bind(driver.bindings(), on_account(&format!("org_{number:02}"), number, "acme")).await;
        }
        let mut query = DirectoryQuery::default();
        let mut seen = Vec::new();
        loop {
            let page = driver.directory().list(&query, 10).await.unwrap();
            assert!(page.len() <= 10);
            let Some(last) = page.last() else { break };
            query.after = Some(last.organization.clone());
            seen.extend(page.into_iter().map(|binding| binding.organization.to_string()));
        }
        let all: Vec<_> = (1..=25).map(|number| format!("org_{number:02}")).collect();
        assert_eq!(seen, all);
        assert_eq!(driver.directory().list(&DirectoryQuery::default(), 0).await.unwrap(), []);
    }

    /// A released binding is not listed.
    pub async fn released_binding_is_not_listed(driver: &dyn DirectoryDriver) {
        let repo = driver.bindings();
        bind(repo, on_account("acme", 1, "acme")).await;
        bind(repo, on_account("other", 2, "other")).await;
        repo.release(&organization("acme"), installation(1), &actor(), seconds(60)).await.unwrap();
        assert_eq!(organizations(driver, &DirectoryQuery::default()).await, ["other"]);
    }

    /// Each state lists the bindings in it: the status, or whether GitHub shows the installation.
    pub async fn each_state_lists_its_bindings(driver: &dyn DirectoryDriver) {
        let repo = driver.bindings();
        let states = [
            BindingState::Active,
            BindingState::Suspended,
            BindingState::Missing,
            BindingState::Ending,
            BindingState::Absent,
            BindingState::Uninstalled,
        ];
        for (number, state) in (1..).zip(states) {
            let new = on_account(state.as_str(), number, "acme");
            let account = new.account.clone();
            bind(repo, new).await;
            let observations = match state {
                BindingState::Active => vec![],
                BindingState::Suspended => vec![Observation::Present {
                    status: Status::Suspended,
                    account,
                    asked_at: seconds(60),
                    next_look_at: seconds(120),
                }],
                BindingState::Missing => vec![missing(seconds(60))],
                BindingState::Ending => vec![Observation::Ending { at: seconds(60) }],
                BindingState::Absent => vec![missing(seconds(60)), missing(seconds(3_660))],
                BindingState::Uninstalled => vec![deleted(seconds(60))],
            };
            for observation in observations {
                repo.observe(installation(number), observation).await.unwrap();
            }
        }
        for state in states {
            assert_eq!(organizations(driver, &in_state(state)).await, [state.as_str()]);
            let listed = driver.directory().list(&in_state(state), 10).await.unwrap();
            assert!(listed.iter().all(|binding| binding.state() == state));
        }
    }

    /// A login matches as a whole or by its start, in either case; a wildcard is a character.
    pub async fn logins_match_exactly_or_by_prefix(driver: &dyn DirectoryDriver) {
        for (number, login) in (1..).zip(["Acme", "acme-coffee", "acmea", "b_me", "bxme"]) {
            bind(driver.bindings(), on_account(login, number, login)).await;
        }
        let exact =
            async |login: &str| organizations(driver, &with_login(LoginFilter::Exact(login.into()))).await;
        let prefix =
            async |login: &str| organizations(driver, &with_login(LoginFilter::Prefix(login.into()))).await;
        assert_eq!(exact("aCME").await, ["Acme"]);
        assert_eq!(exact("acm").await, [""; 0]);
        assert_eq!(prefix("ACME").await, ["Acme", "acme-coffee", "acmea"]);
        assert_eq!(prefix("acme-").await, ["acme-coffee"]);
        assert_eq!(prefix("b_").await, ["b_me"]);
        assert_eq!(prefix("%").await, [""; 0]);
    }

    /// A binding is found by its organization, its installation and its account.
    pub async fn binding_is_found_by_each_id(driver: &dyn DirectoryDriver) {
        for number in 1..=3 {
            bind(driver.bindings(), on_account(&format!("org_{number}"), number, "acme")).await;
        }
        let all = DirectoryQuery::default;
        let by = [
            DirectoryQuery { organization: Some(organization("org_2")), ..all() },
            DirectoryQuery { installation: Some(installation(2)), ..all() },
            DirectoryQuery { account: Some(account_id(2)), ..all() },
        ];
        for query in by {
            assert_eq!(organizations(driver, &query).await, ["org_2"], "{query:?}");
            let not = DirectoryQuery { after: Some(organization("org_2")), ..query };
            assert_eq!(organizations(driver, &not).await, [""; 0], "{not:?}");
        }
        let unknown = DirectoryQuery { installation: Some(installation(9)), ..all() };
        assert_eq!(organizations(driver, &unknown).await, [""; 0]);
    }

    /// Conditions on the proof and on the time of the last 200 apply together with all others.
    pub async fn conditions_apply_together(driver: &dyn DirectoryDriver) {
        for (number, proof) in (1..).zip([Proof::Imported, Proof::Visible, Proof::Imported]) {
            let mut new = on_account(&format!("org_{number}"), number, &format!("login-{number}"));
            new.proof = proof;
            new.last_verified_at = seconds(i64::try_from(number).unwrap());
            bind(driver.bindings(), new).await;
        }
        let all = DirectoryQuery::default;
        let imported = DirectoryQuery { proof: Some(Proof::Imported), ..all() };
        assert_eq!(organizations(driver, &imported).await, ["org_1", "org_3"]);
        let stale = DirectoryQuery { verified_before: Some(seconds(3)), ..all() };
        assert_eq!(organizations(driver, &stale).await, ["org_1", "org_2"]);
        let both = DirectoryQuery {
            state: Some(BindingState::Active),
            login: Some(LoginFilter::Prefix("login".into())),
            verified_before: Some(seconds(3)),
            ..imported
        };
        assert_eq!(organizations(driver, &both).await, ["org_1"]);
        let none = DirectoryQuery { verified_before: Some(NOON - Duration::DAY), ..all() };
        assert_eq!(organizations(driver, &none).await, [""; 0]);
        // What ended is not verified any more.
        driver.bindings().observe(installation(1), deleted(seconds(9))).await.unwrap();
        assert_eq!(organizations(driver, &stale).await, ["org_2"]);
    }

    /// Organizations that differ in the case of a letter are different: in the list, in pages, and in the history (I10).
    pub async fn case_of_letters_distinguishes_organizations(driver: &dyn DirectoryDriver) {
        for (number, name) in [(1, "acme"), (2, "ACME")] {
            bind(driver.bindings(), on_account(name, number, "acme")).await;
        }
        for (number, name) in [(1, "acme"), (2, "ACME")] {
            let query =
                DirectoryQuery { organization: Some(organization(name)), ..DirectoryQuery::default() };
            assert_eq!(organizations(driver, &query).await, [name]);
            let of = HistoryOf::Organization(organization(name));
            let history = driver.directory().history(&of, None, 10).await.unwrap();
            assert_eq!(history.iter().map(|entry| entry.installation.get()).collect::<Vec<_>>(), [number]);
        }
        let after = DirectoryQuery { after: Some(organization("ACME")), ..DirectoryQuery::default() };
        assert_eq!(organizations(driver, &after).await, ["acme"]);
    }

    /// `verified_before` compares instants, whatever the offsets.
    pub async fn verified_before_compares_instants(driver: &dyn DirectoryDriver) {
        bind(driver.bindings(), on_account("acme", 1, "acme")).await;
        for (before, listed) in [(in_the_east(NOON), 0), (in_the_west(NOON + Duration::MICROSECOND), 1)] {
            let query = DirectoryQuery { verified_before: Some(before), ..DirectoryQuery::default() };
            assert_eq!(organizations(driver, &query).await.len(), listed);
        }
    }
);
