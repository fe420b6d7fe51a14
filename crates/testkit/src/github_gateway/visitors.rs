//! Visitor checks: the person behind an OAuth code, and the access of that person to an installation.

use dockline::ports::VisitorCheck;
use dockline::{AccountKind, AuthorizationCode, Installation, InstallationId, InstalledOn, VisitorFacts};

use super::VisitorRole::{Administrator, Member, Outsider};
use super::{GatewayDriver, VisitorRole};
use crate::runner::cases;

async fn check(driver: &dyn GatewayDriver, code: &AuthorizationCode, id: InstallationId) -> VisitorCheck {
    driver.gateway().check_visitor(code, id).await.unwrap()
}

/// Asserts what the gateway reports about a new visitor in this role.
async fn assert_visitor(
    driver: &dyn GatewayDriver,
    role: VisitorRole,
    id: InstallationId,
    visible: Option<InstalledOn>,
    administers_organization: bool,
) {
    let signed_in = driver.visitor(role, id).await;
    let expected = VisitorFacts { visitor: signed_in.visitor, visible, administers_organization };
    assert_eq!(check(driver, &signed_in.code, id).await, VisitorCheck::Visitor(expected));
}

async fn installed(driver: &dyn GatewayDriver) -> Installation {
    driver.install(AccountKind::Organization).await
}

cases!(
    use __github_gateway_visitors as list;

    /// An administrator of the organization sees the installation and administers its account (I2, L-01).
    pub async fn administrator_administers_the_organization(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        assert_visitor(driver, Administrator, installed.id, Some(installed.installed_on), true).await;
    }

    /// A member sees the installation and does not administer its account (L-08).
    pub async fn member_sees_and_does_not_administer(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        assert_visitor(driver, Member, installed.id, Some(installed.installed_on), false).await;
    }

    /// An outsider does not see the installation (L-01).
    pub async fn outsider_does_not_see_the_installation(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        assert_visitor(driver, Outsider, installed.id, None, false).await;
    }

    /// On a user's own account, the visitor's number is the account's number (L-53).
    pub async fn user_sees_the_installation_on_the_own_account(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::User).await;
        let signed_in = driver.visitor(Administrator, installed.id).await;
        let VisitorCheck::Visitor(facts) = check(driver, &signed_in.code, installed.id).await else {
            unreachable!("the code must be accepted")
        };
        assert_eq!((facts.visitor, facts.administers_organization), (signed_in.visitor, false));
        let Some(InstalledOn::Account(account)) = facts.visible else { unreachable!("must be an account") };
        assert_eq!((account.id, account.kind), (signed_in.visitor, AccountKind::User));
    }

    /// An outsider does not see an installation on a user's account.
    pub async fn outsider_does_not_see_a_users_installation(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::User).await;
        assert_visitor(driver, Outsider, installed.id, None, false).await;
    }

    /// Another App's installation is not visible, not even to an administrator of its account (L-01, L-37).
    pub async fn installation_of_another_app_is_not_visible(driver: &dyn GatewayDriver) {
        let foreign = driver.install_another_app().await;
        assert_visitor(driver, Administrator, foreign, None, false).await;
    }

    /// An uninstalled installation is not visible.
    pub async fn uninstalled_installation_is_not_visible(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        let signed_in = driver.visitor(Administrator, installed.id).await;
        driver.uninstall(installed.id).await;
        let expected =
            VisitorFacts { visitor: signed_in.visitor, visible: None, administers_organization: false };
        assert_eq!(check(driver, &signed_in.code, installed.id).await, VisitorCheck::Visitor(expected));
    }

    /// A code works once, for the same installation and for others (L-17).
    pub async fn code_works_once(driver: &dyn GatewayDriver) {
        let (one, other) = (installed(driver).await, installed(driver).await);
        let signed_in = driver.visitor(Administrator, one.id).await;
        assert!(matches!(check(driver, &signed_in.code, one.id).await, VisitorCheck::Visitor(_)));
        for id in [one.id, other.id] {
            assert_eq!(check(driver, &signed_in.code, id).await, VisitorCheck::CodeRefused);
        }
    }

    /// An invalid code is `CodeRefused`, not an error, and uses up no other code (L-07, L-16).
    pub async fn invalid_code_is_refused(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        let signed_in = driver.visitor(Administrator, installed.id).await;
        for code in ["made-up", "", "%00&code=", "ü"] {
            let code = AuthorizationCode::presented(code);
            assert_eq!(check(driver, &code, installed.id).await, VisitorCheck::CodeRefused);
        }
        assert!(matches!(check(driver, &signed_in.code, installed.id).await, VisitorCheck::Visitor(_)));
    }

    /// The visitor's token is revoked before the check returns, whatever the outcome (I9, I14).
    pub async fn visitor_token_is_revoked_before_the_check_returns(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        for role in [Administrator, Member, Outsider] {
            let signed_in = driver.visitor(role, installed.id).await;
            check(driver, &signed_in.code, installed.id).await;
            assert_eq!(driver.live_visitor_tokens().await, 0, "{role:?}");
        }
    }
);
