//! Removing the App from an account.

use dockline::AccountKind;
use dockline::ports::{LookupOutcome, UninstallOutcome};

use super::GatewayDriver;

/// A detach that removes the App leaves nothing behind (L-61).
pub async fn a_removed_installation_is_gone_at_github(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::Organization).await;
    assert_eq!(driver.gateway().uninstall(installed.id).await.unwrap(), UninstallOutcome::Removed);
    assert_eq!(driver.gateway().installation(installed.id).await.unwrap(), LookupOutcome::Missing);
}

/// Gone is gone: a repeated call is an answer, not an error (L-56).
pub async fn what_was_gone_before_is_told_apart(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::User).await;
    driver.uninstall(installed.id).await;
    for _ in 0..2 {
        assert_eq!(driver.gateway().uninstall(installed.id).await.unwrap(), UninstallOutcome::AlreadyGone);
    }
}

/// A removal is for exactly the installation that it names (L-31).
pub async fn one_removal_leaves_the_others(driver: &dyn GatewayDriver) {
    let one = driver.install(AccountKind::Organization).await;
    let other = driver.install(AccountKind::Organization).await;
    driver.gateway().uninstall(one.id).await.unwrap();
    assert_eq!(driver.gateway().installation(other.id).await.unwrap(), LookupOutcome::Found(other));
}
