//! Who is in the browser, and what they can reach.

use dockline::ports::VisitorCheck;
use dockline::{AccountKind, AuthorizationCode, Installation, InstallationId, InstalledOn, VisitorFacts};

use super::Standing::{Administrator, Member, Stranger};
use super::{GatewayDriver, Standing};

async fn check_visitor(
    driver: &dyn GatewayDriver,
    code: &AuthorizationCode,
    id: InstallationId,
) -> VisitorCheck {
    driver.gateway().check_visitor(code, id).await.unwrap()
}

/// What the gateway says of a visitor of this standing must be what it should be, whoever they are.
async fn witnessed_as(
    driver: &dyn GatewayDriver,
    standing: Standing,
    id: InstallationId,
    visible: Option<InstalledOn>,
    administers_organization: bool,
) {
    let visitor = driver.visitor(standing, id).await;
    let expected = VisitorFacts { visitor: visitor.id, visible, administers_organization };
    assert_eq!(check_visitor(driver, &visitor.code, id).await, VisitorCheck::Visitor(expected));
}

async fn installed(driver: &dyn GatewayDriver) -> Installation {
    driver.install(AccountKind::Organization).await
}

/// The proof that a first binding needs (I2, L-01).
pub async fn an_administrator_is_witnessed_as_one(driver: &dyn GatewayDriver) {
    let installed = installed(driver).await;
    witnessed_as(driver, Administrator, installed.id, Some(installed.installed_on), true).await;
}

/// Seeing is not administering (L-08).
pub async fn a_member_sees_and_does_not_administer(driver: &dyn GatewayDriver) {
    let installed = installed(driver).await;
    witnessed_as(driver, Member, installed.id, Some(installed.installed_on), false).await;
}

/// Who names an installation that they cannot see has shown nothing for it (L-01).
pub async fn a_stranger_sees_nothing(driver: &dyn GatewayDriver) {
    let installed = installed(driver).await;
    witnessed_as(driver, Stranger, installed.id, None, false).await;
}

/// The account's number is the visitor's: that is the proof for a user's account (L-53).
pub async fn a_user_is_witnessed_on_their_own_account(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::User).await;
    let visitor = driver.visitor(Administrator, installed.id).await;
    let proving = check_visitor(driver, &visitor.code, installed.id).await;
    let VisitorCheck::Visitor(witness) = proving else { unreachable!("refused") };
    assert_eq!((witness.visitor, witness.administers_organization), (visitor.id, false));
    let Some(InstalledOn::Account(account)) = witness.visible else { unreachable!("not an account") };
    assert_eq!((account.id, account.kind), (visitor.id, AccountKind::User));
}

/// Not even where nobody but the user could see it.
pub async fn a_stranger_to_a_users_account_sees_nothing(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::User).await;
    witnessed_as(driver, Stranger, installed.id, None, false).await;
}

/// Whoever administers another App's installation has shown nothing for ours (L-01, L-37).
pub async fn an_installation_of_another_app_is_not_seen(driver: &dyn GatewayDriver) {
    let foreign = driver.install_another_app().await;
    witnessed_as(driver, Administrator, foreign, None, false).await;
}

/// What is gone is seen by nobody.
pub async fn an_uninstalled_installation_is_not_seen(driver: &dyn GatewayDriver) {
    let installed = installed(driver).await;
    let visitor = driver.visitor(Administrator, installed.id).await;
    driver.uninstall(installed.id).await;
    let expected = VisitorFacts { visitor: visitor.id, visible: None, administers_organization: false };
    assert_eq!(check_visitor(driver, &visitor.code, installed.id).await, VisitorCheck::Visitor(expected));
}

/// A code that was used before is refused, for the same installation and for others (L-17).
pub async fn a_code_is_good_once(driver: &dyn GatewayDriver) {
    let (one, other) = (installed(driver).await, installed(driver).await);
    let visitor = driver.visitor(Administrator, one.id).await;
    assert!(matches!(check_visitor(driver, &visitor.code, one.id).await, VisitorCheck::Visitor(_)));
    for id in [one.id, other.id] {
        assert_eq!(check_visitor(driver, &visitor.code, id).await, VisitorCheck::CodeRefused);
    }
}

/// A refusal is an answer, not an error; it uses nobody's code up (L-07, L-16).
pub async fn a_made_up_code_is_refused(driver: &dyn GatewayDriver) {
    let installed = installed(driver).await;
    let visitor = driver.visitor(Administrator, installed.id).await;
    for code in ["made-up", "", "%00&code=", "ü"] {
        let code = AuthorizationCode::presented(code);
        assert_eq!(check_visitor(driver, &code, installed.id).await, VisitorCheck::CodeRefused);
    }
    assert!(matches!(check_visitor(driver, &visitor.code, installed.id).await, VisitorCheck::Visitor(_)));
}

/// The visitor's token is revoked before the answer, whatever the answer (I9, I14).
pub async fn no_token_outlives_a_proof(driver: &dyn GatewayDriver) {
    let installed = installed(driver).await;
    for standing in [Administrator, Member, Stranger] {
        let visitor = driver.visitor(standing, installed.id).await;
        check_visitor(driver, &visitor.code, installed.id).await;
        assert_eq!(driver.live_tokens().await, 0, "{standing:?}");
    }
}
