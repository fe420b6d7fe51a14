//! Who installed an installation, by GitHub's record of its webhooks.

use dockline::{AccountKind, InstallationId};

use super::GatewayDriver;

/// The webhook may never have come: GitHub remembers whom it told of.
pub async fn the_installer_is_found_by_githubs_record(driver: &dyn GatewayDriver) {
    for kind in [AccountKind::Organization, AccountKind::User] {
        let one = driver.install(kind).await.id;
        let other = driver.install(kind).await.id;
        for id in [one, other] {
            let installed_by = driver.installed_by(id).await;
            assert_eq!(driver.gateway().installer(id).await.unwrap(), Some(installed_by), "{kind}");
        }
    }
}

/// Whoever suspends an installation, or anything else, did not install it.
pub async fn what_came_later_names_no_installer(driver: &dyn GatewayDriver) {
    let id = driver.install(AccountKind::Organization).await.id;
    driver.suspend(id).await;
    let installed_by = driver.installed_by(id).await;
    assert_eq!(driver.gateway().installer(id).await.unwrap(), Some(installed_by));
}

/// A busy App's record is longer than one page.
pub async fn an_installer_is_found_on_a_later_page(driver: &dyn GatewayDriver) {
    let id = driver.install(AccountKind::Organization).await.id;
    driver.send_other_webhooks(130).await;
    let installed_by = driver.installed_by(id).await;
    assert_eq!(driver.gateway().installer(id).await.unwrap(), Some(installed_by));
}

/// Nothing follows from another App's installation, nor from one that never was (L-01, L-11).
pub async fn what_is_not_on_record_has_no_installer(driver: &dyn GatewayDriver) {
    driver.install(AccountKind::Organization).await;
    let foreign = driver.install_another_app().await;
    let never = InstallationId::new(InstallationId::MAX).unwrap();
    for id in [foreign, never] {
        assert_eq!(driver.gateway().installer(id).await.unwrap(), None, "{id}");
    }
}

/// However long the record is (I17, I19); clocks were compared before.
pub async fn a_search_for_an_installer_is_bounded(driver: &dyn GatewayDriver) {
    let id = driver.install(AccountKind::Organization).await.id;
    driver.send_other_webhooks(1_200).await;
    driver.gateway().app().await.unwrap();
    let before = driver.requests().await;
    driver.gateway().installer(id).await.unwrap();
    let made = driver.requests().await - before;
    assert!((1..=10).contains(&made), "{made}");
}
