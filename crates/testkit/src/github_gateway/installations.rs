//! The App and its installations: lookups, installers, uninstallation.

use dockline::ports::{LookupOutcome, RateLeft, UninstallOutcome};
use dockline::{AccountKind, InstallationId, InstallerRecord, Status};

use super::GatewayDriver;
use crate::runner::cases;

async fn look_up(driver: &dyn GatewayDriver, id: InstallationId) -> LookupOutcome {
    driver.gateway().installation(id).await.unwrap()
}

/// The largest number, which GitHub has not used yet.
fn unused_id() -> InstallationId {
    InstallationId::new(InstallationId::MAX).unwrap()
}

/// Asserts that the gateway finds who installed the installation, and whether the App had the permission "Members".
async fn assert_installer(driver: &dyn GatewayDriver, id: InstallationId) {
    let installer = driver.installed_by(id).await;
    let members_permission = driver.granted(id).await.keys().any(|name| name.as_str() == "members");
    let expected = InstallerRecord { installer, members_permission };
    assert_eq!(driver.gateway().installer(id).await.unwrap(), Some(expected));
}

cases!(
    use __github_gateway_installations as list;

    /// The registration comes from the configuration without a request. Its pages carry no state yet.
    pub async fn registration_makes_no_request(driver: &dyn GatewayDriver) {
        let before = driver.requests().await;
        let registration = driver.gateway().registration();
        assert_eq!(driver.requests().await, before);
        let authorize = registration.authorize_page.unwrap();
        let (page, query) = authorize.split_once('?').unwrap();
        assert!(page.ends_with("/login/oauth/authorize"), "{authorize}");
        assert!(query.starts_with("client_id=") && !query.contains('&'), "{authorize}");
        assert!(registration.install_page.ends_with("/installations/new"), "{}", registration.install_page);
    }

    /// GitHub reports the App that is configured (L-44).
    pub async fn app_is_the_configured_one(driver: &dyn GatewayDriver) {
        let facts = driver.gateway().app().await.unwrap();
        let registration = driver.gateway().registration();
        assert_eq!(facts.app, registration.app);
        let slug = format!("/{}/", facts.slug);
        assert!(registration.install_page.contains(&slug), "{slug} in {}", registration.install_page);
    }

    /// An installation is found with its number, App, account and kind of account (L-13, L-53, L-64).
    pub async fn installation_is_found_with_its_account(driver: &dyn GatewayDriver) {
        for kind in [AccountKind::Organization, AccountKind::User] {
            let installed = driver.install(kind).await;
            assert_eq!(look_up(driver, installed.id).await, LookupOutcome::Found(installed));
        }
    }

    /// A suspended installation is found as suspended, which is not a failure (L-57).
    pub async fn suspended_installation_is_found(driver: &dyn GatewayDriver) {
        let mut installed = driver.install(AccountKind::Organization).await;
        driver.suspend(installed.id).await;
        installed.suspended = true;
        assert_eq!(installed.status(), Status::Suspended);
        assert_eq!(look_up(driver, installed.id).await, LookupOutcome::Found(installed));
    }

    /// An uninstalled installation is `Missing`, which is not an error and does not come from a cache (L-42, L-56).
    pub async fn uninstalled_installation_is_missing(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::Organization).await;
        assert!(matches!(look_up(driver, installed.id).await, LookupOutcome::Found(_)));
        driver.uninstall(installed.id).await;
        assert_eq!(look_up(driver, installed.id).await, LookupOutcome::Missing);
    }

    /// A number that GitHub has not used is `Missing`.
    pub async fn unused_number_is_missing(driver: &dyn GatewayDriver) {
        assert_eq!(look_up(driver, unused_id()).await, LookupOutcome::Missing);
    }

    /// Another App's installation is `Missing`, like one that does not exist (I10, L-01).
    pub async fn installation_of_another_app_is_missing(driver: &dyn GatewayDriver) {
        let foreign = driver.install_another_app().await;
        assert_eq!(look_up(driver, foreign).await, LookupOutcome::Missing);
    }

    /// A lookup makes at most two requests, whatever the outcome, once the clocks are compared (I19, L-55).
    pub async fn lookup_makes_at_most_two_requests(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::Organization).await;
        driver.gateway().app().await.unwrap();
        for id in [installed.id, unused_id()] {
            let before = driver.requests().await;
            look_up(driver, id).await;
            let made = driver.requests().await - before;
            assert!((1..=2).contains(&made), "{made}");
        }
    }

    /// The rest of the rate limit comes from the headers of earlier responses, without a request, and shrinks.
    pub async fn rate_limit_makes_no_request(driver: &dyn GatewayDriver) {
        let mut earlier = None;
        for _ in 0..2 {
            driver.gateway().app().await.unwrap();
            let before = driver.requests().await;
            let left = driver.gateway().rate_left().unwrap();
            assert_eq!(driver.requests().await, before);
            assert!(left.remaining < left.limit, "{left:?}");
            // A new window may begin between the two.
            let is_less =
                |earlier: RateLeft| left.remaining < earlier.remaining || left.resets_at > earlier.resets_at;
            assert!(earlier.is_none_or(is_less), "{left:?} after {earlier:?}");
            earlier = Some(left);
        }
    }

    /// The installer is found in GitHub's delivery log, also if the webhook was missed.
    pub async fn installer_is_found_in_the_delivery_log(driver: &dyn GatewayDriver) {
        for kind in [AccountKind::Organization, AccountKind::User] {
            let one = driver.install(kind).await.id;
            let other = driver.install(kind).await.id;
            for id in [one, other] {
                assert_installer(driver, id).await;
            }
        }
    }

    /// Only `installation.created` names the installer, not a later suspension.
    pub async fn later_webhook_names_no_installer(driver: &dyn GatewayDriver) {
        let id = driver.install(AccountKind::Organization).await.id;
        driver.suspend(id).await;
        assert_installer(driver, id).await;
    }

    /// The installer is found on a later page of the delivery log.
    pub async fn installer_is_found_on_a_later_page(driver: &dyn GatewayDriver) {
        let id = driver.install(AccountKind::Organization).await.id;
        driver.send_other_webhooks(130).await;
        assert_installer(driver, id).await;
    }

    /// An installation of another App, and one that does not exist, have no installer (L-01, L-11).
    pub async fn unlogged_installation_has_no_installer(driver: &dyn GatewayDriver) {
        driver.install(AccountKind::Organization).await;
        let foreign = driver.install_another_app().await;
        for id in [foreign, unused_id()] {
            assert_eq!(driver.gateway().installer(id).await.unwrap(), None, "{id}");
        }
    }

    /// The search for an installer makes at most ten requests, however long the log is (I17, I19).
    pub async fn search_for_an_installer_is_bounded(driver: &dyn GatewayDriver) {
        let id = driver.install(AccountKind::Organization).await.id;
        driver.send_other_webhooks(1_200).await;
        driver.gateway().app().await.unwrap();
        let before = driver.requests().await;
        driver.gateway().installer(id).await.unwrap();
        let made = driver.requests().await - before;
        assert!((1..=10).contains(&made), "{made}");
    }

    /// `uninstall` removes the installation at GitHub (L-61).
    pub async fn uninstall_removes_the_installation(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::Organization).await;
        let outcome = driver.gateway().uninstall(installed.id).await.unwrap();
        assert!(matches!(outcome, UninstallOutcome::Removed | UninstallOutcome::Accepted), "{outcome:?}");
        assert_eq!(driver.gateway().installation(installed.id).await.unwrap(), LookupOutcome::Missing);
    }

    /// `uninstall` of an installation that is gone returns `Missing`, also if repeated (L-56).
    pub async fn uninstall_of_a_gone_installation_is_missing(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::User).await;
        driver.uninstall(installed.id).await;
        for _ in 0..2 {
            let outcome = driver.gateway().uninstall(installed.id).await.unwrap();
            assert_eq!(outcome, UninstallOutcome::Missing);
        }
    }

    /// `uninstall` affects only the installation that it names (L-31).
    pub async fn uninstall_leaves_other_installations(driver: &dyn GatewayDriver) {
        let one = driver.install(AccountKind::Organization).await;
        let other = driver.install(AccountKind::Organization).await;
        driver.gateway().uninstall(one.id).await.unwrap();
        assert_eq!(driver.gateway().installation(other.id).await.unwrap(), LookupOutcome::Found(other));
    }
);
