//! Visitor checks: the person behind an OAuth code, and the access of that person to an installation.

use dockline::ports::{CodeGrant, VisitorCheck, VisitorInstallations};
use dockline::{
    AccountKind, AuthorizationCode, Installation, InstallationId, InstalledOn, Membership, Visibility,
    VisitorFacts,
};

use super::VisitorRole::{Administrator, Member, Outsider};
use super::{GatewayDriver, SignedIn, VisitorRole};
use crate::runner::cases;

async fn check(driver: &dyn GatewayDriver, code: &AuthorizationCode, id: InstallationId) -> VisitorCheck {
    driver.gateway().check_visitor(&CodeGrant::of_installation(code.clone()), id).await.unwrap()
}

async fn checked(driver: &dyn GatewayDriver, signed_in: &SignedIn, id: InstallationId) -> VisitorFacts {
    let VisitorCheck::Visitor(facts) = check(driver, &signed_in.code, id).await else {
        unreachable!("the code must be accepted")
    };
    facts
}

/// Asserts what the gateway reports about a new visitor in this role.
async fn assert_visitor(
    driver: &dyn GatewayDriver,
    role: VisitorRole,
    id: InstallationId,
    visibility: Visibility,
    membership: Membership,
) {
    let signed_in = driver.visitor(role, id).await;
    let facts = checked(driver, &signed_in, id).await;
    assert_eq!(facts.visitor, signed_in.visitor);
    assert_eq!((&facts.visibility, &facts.membership), (&visibility, &membership));
    // A new installation is seconds old, by GitHub's clock.
    let seen = matches!(visibility, Visibility::Seen(_));
    assert_eq!(facts.installation_age.is_some_and(|age| age < time::Duration::MINUTE), seen);
}

async fn installed(driver: &dyn GatewayDriver) -> Installation {
    driver.install(AccountKind::Organization).await
}

cases!(
    use __github_gateway_visitors as list;

    /// An administrator of the organization sees the installation and administers its account (I2, L-01).
    pub async fn administrator_administers_the_organization(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        let seen = Visibility::Seen(installed.installed_on);
        assert_visitor(driver, Administrator, installed.id, seen, Membership::Administrator).await;
    }

    /// A member sees the installation and does not administer its account (L-08).
    pub async fn member_sees_and_does_not_administer(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        let seen = Visibility::Seen(installed.installed_on);
        assert_visitor(driver, Member, installed.id, seen, Membership::Member).await;
    }

    /// An outsider does not see the installation (L-01).
    pub async fn outsider_does_not_see_the_installation(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        assert_visitor(driver, Outsider, installed.id, Visibility::NotSeen, Membership::Outsider).await;
    }

    /// On a user's own account, the visitor's number is the account's number (L-53).
    pub async fn user_sees_the_installation_on_the_own_account(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::User).await;
        let signed_in = driver.visitor(Administrator, installed.id).await;
        let facts = checked(driver, &signed_in, installed.id).await;
        assert_eq!((facts.visitor, facts.membership), (signed_in.visitor, Membership::Outsider));
        let Visibility::Seen(InstalledOn::Account(account)) = facts.visibility else {
            unreachable!("must be an account")
        };
        assert_eq!((account.id, account.kind), (signed_in.visitor, AccountKind::User));
    }

    /// An outsider does not see an installation on a user's account.
    pub async fn outsider_does_not_see_a_users_installation(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::User).await;
        assert_visitor(driver, Outsider, installed.id, Visibility::NotSeen, Membership::Outsider).await;
    }

    /// Another App's installation is not visible, not even to an administrator of its account (L-01, L-37).
    pub async fn installation_of_another_app_is_not_visible(driver: &dyn GatewayDriver) {
        let foreign = driver.install_another_app().await;
        assert_visitor(driver, Administrator, foreign, Visibility::NotSeen, Membership::Outsider).await;
    }

    /// An uninstalled installation is not visible.
    pub async fn uninstalled_installation_is_not_visible(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        let signed_in = driver.visitor(Administrator, installed.id).await;
        driver.uninstall(installed.id).await;
        let facts = checked(driver, &signed_in, installed.id).await;
        assert_eq!((facts.visitor, facts.visibility), (signed_in.visitor, Visibility::NotSeen));
    }

    /// The list contains what the visitor sees of our App and nothing else, uses the code up and leaves no token.
    pub async fn visitor_lists_the_visible_installations(driver: &dyn GatewayDriver) {
        let installed = installed(driver).await;
        driver.install(AccountKind::Organization).await;
        for (role, expected) in
            [(Administrator, vec![installed.clone()]), (Member, vec![installed.clone()]), (Outsider, vec![])]
        {
            let grant = CodeGrant::of_installation(driver.visitor(role, installed.id).await.code);
            let listed = driver.gateway().visitor_installations(&grant).await.unwrap();
            let expected = VisitorInstallations::Listed { installations: expected, hidden: None };
            assert_eq!(listed, expected, "{role:?}");
            let again = driver.gateway().visitor_installations(&grant).await.unwrap();
            assert_eq!(again, VisitorInstallations::CodeRefused);
            assert_eq!(driver.live_visitor_tokens().await, 0, "{role:?}");
        }
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
