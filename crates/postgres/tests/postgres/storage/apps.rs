//! Which App a schema belongs to (I35).

use std::collections::BTreeMap;

use dockline::ports::{AppRegistration, BindingRepo, LookupOutcome, MockGithubGateway};
use dockline::{AppId, Installation, InstalledOn};
use dockline_postgres::{AppError, AppNumber, PgApps, PgBindingRepo};

use crate::fixtures::{NOON, account, binding, organization};
use crate::test_database::database;

const GITHUB: &str = "https://api.github.com";
const OURS: u64 = 7;

fn app(number: u64) -> AppId {
    AppId::new(number).unwrap()
}

/// A GitHub that accepts the credential of App `ours` and shows it these installations, with their App. It shows no other.
fn github(ours: u64, shown: &[(u64, u64)]) -> MockGithubGateway {
    let shown: BTreeMap<u64, u64> = shown.iter().copied().collect();
    let mut github = MockGithubGateway::new();
    github.expect_registration().returning(move || AppRegistration {
        app: app(ours),
        install_page: "https://github.com/apps/x/installations/new".to_owned(),
        authorize_page: None,
    });
    github.expect_installation().returning(move |id| {
        let found = shown.get(&id.get()).map(|owner| Installation {
            id,
            app: app(*owner),
            installed_on: InstalledOn::Account(account(id.get())),
            suspended: false,
            facts: Default::default(),
        });
        Ok(found.map_or(LookupOutcome::Missing, LookupOutcome::Found))
    });
    github
}

#[tokio::test]
async fn an_empty_schema_gets_the_first_app_and_refuses_another_one() {
    let (_guard, database) = database().await;
    let apps = PgApps::new(&database);
    let first = apps.open(GITHUB, &github(OURS, &[]), NOON).await.unwrap();
    assert_eq!(first.app(), AppNumber::FIRST);
    // The same App again, also with another spelling of the URL.
    let again = apps.open("https://API.github.com/", &github(OURS, &[]), NOON).await.unwrap();
    assert_eq!(again.app(), AppNumber::FIRST);
    for (api_base, number) in [(GITHUB, 8), ("https://ghes.test/api/v3", OURS)] {
        let refused = apps.open(api_base, &github(number, &[]), NOON).await.unwrap_err();
        assert!(matches!(&refused, AppError::Foreign(apps) if apps.len() == 1), "{refused:?}");
        assert!(refused.to_string().contains("App 7 at https://api.github.com"), "{refused}");
    }
    assert_eq!(apps.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn bindings_without_an_app_are_adopted_only_if_github_shows_the_app_one_of_them() {
    let (_guard, database) = database().await;
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    for number in 1..=30 {
        bindings.insert(binding(&format!("org_{number}"), number, "s")).await.unwrap();
    }
    let apps = PgApps::new(&database);
    // Staging's credential sees none of them.
    let refused = apps.open(GITHUB, &github(8, &[]), NOON).await.unwrap_err();
    assert!(matches!(refused, AppError::NotOurs { asked: 20, ours: 0, foreign: 0 }), "{refused:?}");
    // One of another App outweighs those of ours.
    let mixed: Vec<_> = (1..=30).map(|number| (number, if number % 10 == 0 { 9 } else { OURS })).collect();
    let refused = apps.open(GITHUB, &github(OURS, &mixed), NOON).await.unwrap_err();
    assert!(matches!(refused, AppError::NotOurs { foreign: 1.., .. }), "{refused:?}");
    assert!(apps.list().await.unwrap().is_empty(), "a refusal adds nothing");

    let all: Vec<_> = (1..=30).map(|number| (number, OURS)).collect();
    let opened = apps.open(GITHUB, &github(OURS, &all), NOON).await.unwrap();
    let adopted = PgBindingRepo::new(&opened).find(&organization("org_7")).await.unwrap().unwrap();
    assert_eq!(adopted.installation.get(), 7);
}

#[tokio::test]
async fn of_two_apps_that_start_at_once_on_an_empty_schema_one_is_refused() {
    for _ in 0..10 {
        let (_guard, database) = database().await;
        let apps = PgApps::new(&database);
        let (seven, eight) = (github(7, &[]), github(8, &[]));
        let (a, b) = tokio::join!(apps.open(GITHUB, &seven, NOON), apps.open(GITHUB, &eight, NOON));
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
        assert_eq!(apps.list().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn apps_are_added_at_once_retired_and_renamed() {
    let (_guard, database) = database().await;
    let apps = PgApps::new(&database);
    apps.open(GITHUB, &github(OURS, &[]), NOON).await.unwrap();
    let added = (2..=6).map(|number| {
        let apps = apps.clone();
        tokio::spawn(async move { apps.add(GITHUB, app(number), NOON).await.unwrap().app().get() })
    });
    let mut numbers = Vec::new();
    for number in added.collect::<Vec<_>>() {
        numbers.push(number.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4, 5, 6]);
    let two = apps.add(GITHUB, app(2), NOON).await.unwrap().app();

    assert!(apps.retire(GITHUB, app(2), NOON).await.unwrap());
    assert!(!apps.retire(GITHUB, app(2), NOON).await.unwrap());
    let refused = apps.open(GITHUB, &github(2, &[]), NOON).await.unwrap_err();
    assert!(matches!(refused, AppError::Retired(_)), "{refused:?}");
    assert_eq!(apps.add(GITHUB, app(2), NOON).await.unwrap().app(), two);
    assert_eq!(apps.open(GITHUB, &github(2, &[]), NOON).await.unwrap().app(), two);

    assert!(apps.rename(GITHUB, app(2), "https://GHES.test/api/v3/").await.unwrap());
    assert_eq!(apps.open("https://ghes.test/api/v3", &github(2, &[]), NOON).await.unwrap().app(), two);
    assert!(apps.open(GITHUB, &github(2, &[]), NOON).await.is_err());
    assert!(!apps.rename(GITHUB, app(99), "https://x.test").await.unwrap());
}
