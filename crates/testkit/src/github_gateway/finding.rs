//! Looking installations up, and the App itself.

use dockline::ports::{LookupOutcome, RateLeft};
use dockline::{AccountKind, InstallationId, Status};

use super::GatewayDriver;

async fn look_up(driver: &dyn GatewayDriver, id: InstallationId) -> LookupOutcome {
    driver.gateway().installation(id).await.unwrap()
}

/// What the gateway was configured with needs nobody's answer; neither page has a state yet.
pub async fn the_registration_is_known_without_asking(driver: &dyn GatewayDriver) {
    let before = driver.requests().await;
    let registration = driver.gateway().registration();
    assert_eq!(driver.requests().await, before);
    let authorize = registration.authorize_page.unwrap();
    let (page, query) = authorize.split_once('?').unwrap();
    assert!(page.ends_with("/login/oauth/authorize"), "{authorize}");
    assert!(query.starts_with("client_id=") && !query.contains('&'), "{authorize}");
    assert!(registration.install_page.ends_with("/installations/new"), "{}", registration.install_page);
}

/// GitHub knows the App that was configured (L-44).
pub async fn the_app_tells_who_it_is(driver: &dyn GatewayDriver) {
    let facts = driver.gateway().app().await.unwrap();
    let registration = driver.gateway().registration();
    assert_eq!(facts.app, registration.app);
    let slug = format!("/{}/", facts.slug);
    assert!(registration.install_page.contains(&slug), "{slug} in {}", registration.install_page);
}

/// Number, App, account and kind of account are GitHub's (L-13, L-53, L-64).
pub async fn an_installation_is_found_with_its_account(driver: &dyn GatewayDriver) {
    for kind in [AccountKind::Organization, AccountKind::User] {
        let installed = driver.install(kind).await;
        assert_eq!(look_up(driver, installed.id).await, LookupOutcome::Found(installed));
    }
}

/// Suspension is a state, not a failure (L-57).
pub async fn a_suspended_installation_is_found_as_such(driver: &dyn GatewayDriver) {
    let mut installed = driver.install(AccountKind::Organization).await;
    driver.suspend(installed.id).await;
    installed.suspended = true;
    assert_eq!(installed.status(), Status::Suspended);
    assert_eq!(look_up(driver, installed.id).await, LookupOutcome::Found(installed));
}

/// A removed installation is an answer, not an error (L-56); nobody remembers it from before (L-42).
pub async fn an_uninstalled_installation_is_missing(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::Organization).await;
    assert!(matches!(look_up(driver, installed.id).await, LookupOutcome::Found(_)));
    driver.uninstall(installed.id).await;
    assert_eq!(look_up(driver, installed.id).await, LookupOutcome::Missing);
}

/// The largest number that there can be was not given out yet.
pub async fn an_id_that_was_never_given_out_is_missing(driver: &dyn GatewayDriver) {
    let id = InstallationId::new(InstallationId::MAX).unwrap();
    assert_eq!(look_up(driver, id).await, LookupOutcome::Missing);
}

/// Foreign and absent are one answer (I10, L-01).
pub async fn another_apps_installation_is_missing(driver: &dyn GatewayDriver) {
    let foreign = driver.install_another_app().await;
    assert_eq!(look_up(driver, foreign).await, LookupOutcome::Missing);
}

/// Whatever comes out of it (I19, L-55); clocks were compared before.
pub async fn a_lookup_makes_at_most_two_requests(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::Organization).await;
    driver.gateway().app().await.unwrap();
    for id in [installed.id, InstallationId::new(InstallationId::MAX).unwrap()] {
        let before = driver.requests().await;
        look_up(driver, id).await;
        let made = driver.requests().await - before;
        assert!((1..=2).contains(&made), "{made}");
    }
}

/// How much GitHub lets us ask is read off its answers, and goes down with each (GitHub fact 43).
pub async fn what_is_left_is_known_without_asking(driver: &dyn GatewayDriver) {
    let mut earlier = None;
    for _ in 0..2 {
        driver.gateway().app().await.unwrap();
        let before = driver.requests().await;
        let left = driver.gateway().rate_left().unwrap();
        assert_eq!(driver.requests().await, before);
        assert!(left.remaining < left.limit, "{left:?}");
        // Between the two a new window may have begun.
        let is_less =
            |earlier: RateLeft| left.remaining < earlier.remaining || left.resets_at > earlier.resets_at;
        assert!(earlier.is_none_or(is_less), "{left:?} after {earlier:?}");
        earlier = Some(left);
    }
}
