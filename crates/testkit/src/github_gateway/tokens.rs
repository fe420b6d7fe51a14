//! Installation tokens: minted, narrowed, revoked.

use std::collections::BTreeSet;

use dockline::ports::{ListOutcome, MintOutcome};
use dockline::{
    Access, AccountKind, InstallationId, InstallationToken, NewToken, PermissionName, RepositoryId,
    TokenScope,
};
use time::Duration;

use super::GatewayDriver;
use crate::runner::cases;

/// Mints a token, which must succeed.
pub(super) async fn minted(
    driver: &dyn GatewayDriver,
    id: InstallationId,
    scope: &TokenScope,
) -> InstallationToken {
    match driver.gateway().mint(id, scope).await.unwrap() {
        MintOutcome::Minted(token) => token,
        MintOutcome::Missing
        | MintOutcome::Suspended
        | MintOutcome::Denied(_)
        | MintOutcome::NotGranted { .. } => {
            unreachable!("a token must be minted")
        }
    }
}

/// The token, issued a minute earlier, so that a rejection is not retried.
pub(super) fn aged(token: &InstallationToken) -> InstallationToken {
    InstallationToken::new(NewToken {
        installation: token.installation(),
        secret: token.expose().into(),
        issued_at: token.issued_at() - Duration::MINUTE,
        expires_at: token.expires_at(),
        web_origin: "https://github.com".into(),
    })
}

async fn installed(driver: &dyn GatewayDriver) -> InstallationId {
    driver.install(AccountKind::Organization).await.id
}

/// The repositories that the token reaches, on the first page.
async fn reached(driver: &dyn GatewayDriver, token: &InstallationToken) -> BTreeSet<RepositoryId> {
    match driver.gateway().repositories(token, 1).await.unwrap() {
        ListOutcome::Page { repositories, .. } => {
            repositories.into_iter().map(|repository| repository.id).collect()
        }
        ListOutcome::TokenRefused | ListOutcome::Denied(_) => unreachable!("the token must be accepted"),
    }
}

fn permitted(name: &PermissionName, access: Access) -> TokenScope {
    TokenScope::everything().with_permissions([(name.clone(), access)]).unwrap()
}

cases!(
    use __github_gateway_tokens as list;

    /// A token without a narrower scope names its installation, expires in the future, and reaches every repository (L-40).
    pub async fn token_reaches_every_repository(driver: &dyn GatewayDriver) {
        for kind in [AccountKind::Organization, AccountKind::User] {
            let id = driver.install(kind).await.id;
            let repositories = driver.add_repositories(id, 3).await;
            let token = minted(driver, id, &TokenScope::everything()).await;
            assert_eq!(token.installation(), id);
            assert!(token.issued_at() < token.expires_at());
            let all = repositories.iter().map(|repository| repository.id).collect();
            assert_eq!(reached(driver, &token).await, all);
        }
    }

    /// Tokens are opaque: both of GitHub's formats work (L-47).
    pub async fn both_token_formats_work(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        for stateless in [false, true] {
            driver.issue_stateless_tokens(stateless).await;
            let token = minted(driver, id, &TokenScope::everything()).await;
            let listed = driver.gateway().repositories(&token, 1).await.unwrap();
            assert!(matches!(listed, ListOutcome::Page { .. }));
        }
    }

    /// `Debug` of the outcome, the token and the gateway does not contain the secret (I14).
    pub async fn debug_contains_no_token(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let outcome = driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
        let MintOutcome::Minted(token) = &outcome else { unreachable!("a token must be minted") };
        let debug = format!("{outcome:?} {token:?} {:?}", driver.gateway());
        assert!(!debug.contains(token.expose()));
    }

    /// A token narrowed to repositories, by number or by name, reaches only these (L-14, L-36).
    pub async fn narrowed_token_reaches_only_its_repositories(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let repositories = driver.add_repositories(id, 3).await;
        let wanted: BTreeSet<_> = repositories.iter().skip(1).map(|repository| repository.id).collect();
        let names = repositories
            .iter()
            .skip(1)
            .filter_map(|repository| Some(repository.full_name.split_once('/')?.1));
        for scope in [
            TokenScope::everything().with_repositories(wanted.clone()).unwrap(),
            TokenScope::everything().with_repository_names(names).unwrap(),
        ] {
            let token = minted(driver, id, &scope).await;
            assert_eq!(reached(driver, &token).await, wanted, "{scope:?}");
        }
    }

    /// A token can be narrowed to each granted permission, at the granted access or less.
    pub async fn token_can_be_narrowed_to_granted_permissions(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let granted = driver.granted(id).await;
        assert!(!granted.is_empty());
        for (name, access) in granted {
            for asked in
                [Access::Read, Access::Write, Access::Admin].into_iter().filter(|asked| *asked <= access)
            {
                minted(driver, id, &permitted(&name, asked)).await;
            }
        }
    }

    /// A scope beyond what was granted is `NotGranted` with GitHub's message, not an error, and mints no token (L-48).
    pub async fn scope_beyond_the_grant_is_refused_with_githubs_message(driver: &dyn GatewayDriver) {
        let (id, other) = (installed(driver).await, installed(driver).await);
        driver.add_repositories(id, 1).await;
        let foreign = driver.add_repositories(other, 1).await;
        let granted = driver.granted(id).await;
        let everything = TokenScope::everything;
        let mut scopes = vec![
            permitted(&PermissionName::new("never_granted").unwrap(), Access::Read),
            everything().with_repositories(foreign.iter().map(|repository| repository.id)).unwrap(),
            everything().with_repositories([RepositoryId::new(RepositoryId::MAX).unwrap()]).unwrap(),
            everything().with_repository_names(["never-created"]).unwrap(),
        ];
        let raised = granted.iter().filter(|(_, access)| **access < Access::Admin);
        scopes.extend(raised.map(|(name, _)| permitted(name, Access::Admin)));
        for scope in scopes {
            let MintOutcome::NotGranted { message } = driver.gateway().mint(id, &scope).await.unwrap() else {
                unreachable!("must not be granted: {scope:?}")
            };
            assert!(!message.is_empty(), "{scope:?}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
        assert_eq!(driver.live_installation_tokens().await, 0);
    }

    /// A suspended installation is `Suspended`, neither missing nor an error (L-57).
    pub async fn suspended_installation_mints_no_token(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        driver.suspend(id).await;
        let outcome = driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
        assert!(matches!(outcome, MintOutcome::Suspended), "{outcome:?}");
    }

    /// An installation that is uninstalled, does not exist or is another App's is `Missing` (I10, L-01, L-42).
    pub async fn missing_installation_mints_no_token(driver: &dyn GatewayDriver) {
        let gone = installed(driver).await;
        minted(driver, gone, &TokenScope::everything()).await;
        driver.uninstall(gone).await;
        let foreign = driver.install_another_app().await;
        let unused = InstallationId::new(InstallationId::MAX).unwrap();
        for id in [gone, foreign, unused] {
            let outcome = driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
            assert!(matches!(outcome, MintOutcome::Missing), "{id}: {outcome:?}");
        }
    }

    /// Every call mints a new token: the gateway does not cache them (L-40, L-41).
    pub async fn every_call_mints_a_new_token(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let one = minted(driver, id, &TokenScope::everything()).await;
        let two = minted(driver, id, &TokenScope::everything()).await;
        assert_ne!(one.expose(), two.expose());
        assert_eq!(driver.live_installation_tokens().await, 2);
    }

    /// Minting makes at most two requests, whatever the outcome, once the clocks are compared (I19, L-55).
    pub async fn minting_makes_at_most_two_requests(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        driver.gateway().app().await.unwrap();
        for id in [id, InstallationId::new(InstallationId::MAX).unwrap()] {
            let before = driver.requests().await;
            driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
            let made = driver.requests().await - before;
            assert!((1..=2).contains(&made), "{made}");
        }
    }

    /// `revoke` ends the token at GitHub, and no other token of the installation.
    pub async fn revoke_ends_only_its_token(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let one = minted(driver, id, &TokenScope::everything()).await;
        let other = minted(driver, id, &TokenScope::everything()).await;
        driver.gateway().revoke(&one).await.unwrap();
        assert_eq!(driver.live_installation_tokens().await, 1);
        let refused = driver.gateway().repositories(&aged(&one), 1).await.unwrap();
        assert_eq!(refused, ListOutcome::TokenRefused);
        let listed = driver.gateway().repositories(&other, 1).await.unwrap();
        assert!(matches!(listed, ListOutcome::Page { .. }));
    }

    /// `revoke` of a token that has ended succeeds, also after the installation's end.
    pub async fn ended_token_can_be_revoked_again(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let one = minted(driver, id, &TokenScope::everything()).await;
        let other = minted(driver, id, &TokenScope::everything()).await;
        driver.gateway().revoke(&one).await.unwrap();
        driver.gateway().revoke(&one).await.unwrap();
        driver.uninstall(id).await;
        driver.gateway().revoke(&other).await.unwrap();
        assert_eq!(driver.live_installation_tokens().await, 0);
    }
);
