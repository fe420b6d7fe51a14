//! Which App a file belongs to (I35).

use dockline::AppId;
use dockline_sqlite::{AppError, AppNumber, SqliteApps};

use crate::fixtures::NOON;
use crate::test_database::{database, two_handles};

const GITHUB: &str = "https://api.github.com";

fn app(number: u64) -> AppId {
    AppId::new(number).unwrap()
}

#[tokio::test]
async fn empty_file_gets_the_first_app_and_refuses_another_one() {
    let (_file, database) = database().await;
    let apps = SqliteApps::new(&database);
    assert!(apps.find(GITHUB, app(7)).await.unwrap().is_none());
    // The same App again, also with another spelling of the URL.
    for base in [GITHUB, "https://API.github.com/"] {
        assert_eq!(apps.open(base, app(7), NOON).await.unwrap().app(), AppNumber::FIRST);
    }
    for (base, number) in [(GITHUB, 8), ("https://ghes.test/api/v3", 7)] {
        let refused = apps.open(base, app(number), NOON).await.unwrap_err();
        assert!(matches!(&refused, AppError::Foreign(apps) if apps.len() == 1), "{refused:?}");
        assert!(refused.to_string().contains("App 7 at https://api.github.com"), "{refused}");
    }
    assert_eq!(apps.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_apps_that_start_at_once_on_an_empty_file_one_is_refused() {
    for _ in 0..5 {
        let (_file, [first, second]) = two_handles().await;
        let (seven, eight) = (SqliteApps::new(&first), SqliteApps::new(&second));
        let (a, b) = tokio::join!(seven.open(GITHUB, app(7), NOON), eight.open(GITHUB, app(8), NOON));
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
        assert_eq!(seven.list().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn apps_are_added_retired_and_renamed() {
    let (_file, database) = database().await;
    let apps = SqliteApps::new(&database);
    apps.open(GITHUB, app(7), NOON).await.unwrap();
    let two = apps.add(GITHUB, app(2), NOON).await.unwrap().app();
    assert_eq!(two.get(), 2);
    assert!(apps.retire(GITHUB, app(2), NOON).await.unwrap());
    assert!(!apps.retire(GITHUB, app(2), NOON).await.unwrap());
    let refused = apps.open(GITHUB, app(2), NOON).await.unwrap_err();
    assert!(matches!(refused, AppError::Retired(_)), "{refused:?}");
    assert_eq!(apps.add(GITHUB, app(2), NOON).await.unwrap().app(), two);

    assert!(apps.rename(GITHUB, app(2), "https://GHES.test/api/v3/").await.unwrap());
    assert_eq!(apps.open("https://ghes.test/api/v3", app(2), NOON).await.unwrap().app(), two);
    assert!(apps.open(GITHUB, app(2), NOON).await.is_err());
    assert!(!apps.rename(GITHUB, app(99), "https://x.test").await.unwrap());
    apps.add(GITHUB, app(2), NOON).await.unwrap();
    assert!(apps.rename(GITHUB, app(2), "https://ghes.test/api/v3").await.is_err(), "it exists there");
}
