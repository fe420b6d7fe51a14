//! Tokens: given out, narrowed, ended.

use std::collections::BTreeSet;

use dockline::ports::{ListOutcome, MintOutcome};
use dockline::{
    Access, AccountKind, InstallationId, InstallationToken, NewToken, PermissionName, RepositoryId,
    TokenScope,
};
use time::Duration;

use super::GatewayDriver;

/// The outcome of a mint that must give a token.
pub(super) async fn minted(
    driver: &dyn GatewayDriver,
    id: InstallationId,
    scope: &TokenScope,
) -> InstallationToken {
    match driver.gateway().mint(id, scope).await.unwrap() {
        MintOutcome::Minted(token) => token,
        MintOutcome::Missing | MintOutcome::Suspended | MintOutcome::NotGranted { .. } => {
            unreachable!("no token")
        }
    }
}

/// The token as if it had been given out a minute earlier: nobody is patient with it any more.
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

/// What the token reaches, on the first page.
async fn reached(driver: &dyn GatewayDriver, token: &InstallationToken) -> BTreeSet<RepositoryId> {
    match driver.gateway().repositories(token, 1).await.unwrap() {
        ListOutcome::Page { repositories, .. } => {
            repositories.into_iter().map(|repository| repository.id).collect()
        }
        ListOutcome::TokenRefused => unreachable!("refused"),
    }
}

/// A token is for what it was asked for, has an end that lies ahead (L-40), and reaches all that was granted.
pub async fn a_token_without_narrowing_reaches_everything(driver: &dyn GatewayDriver) {
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

/// Tokens are opaque: GitHub changes their form (L-47).
pub async fn tokens_of_both_formats_are_good(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    for stateless in [false, true] {
        driver.give_stateless_tokens(stateless).await;
        let token = minted(driver, id, &TokenScope::everything()).await;
        assert!(matches!(driver.gateway().repositories(&token, 1).await.unwrap(), ListOutcome::Page { .. }));
    }
}

/// Neither what a mint gives nor a token shows the secret (I14).
pub async fn no_token_is_shown(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let minting = driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
    let MintOutcome::Minted(token) = &minting else { unreachable!("no token") };
    let shown = format!("{minting:?} {token:?} {:?}", driver.gateway());
    assert!(!shown.contains(token.expose()));
}

/// Asking for less gives less, by number and by name (L-14, L-36).
pub async fn a_token_reaches_only_the_repositories_that_it_was_narrowed_to(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let repositories = driver.add_repositories(id, 3).await;
    let wanted: BTreeSet<_> = repositories.iter().skip(1).map(|repository| repository.id).collect();
    let names =
        repositories.iter().skip(1).filter_map(|repository| Some(repository.full_name.split_once('/')?.1));
    for scope in [
        TokenScope::everything().with_repositories(wanted.clone()).unwrap(),
        TokenScope::everything().with_repository_names(names).unwrap(),
    ] {
        let token = minted(driver, id, &scope).await;
        assert_eq!(reached(driver, &token).await, wanted, "{scope:?}");
    }
}

fn permitted(name: &PermissionName, access: Access) -> TokenScope {
    TokenScope::everything().with_permissions([(name.clone(), access)]).unwrap()
}

/// What was granted may be asked for by name.
pub async fn a_token_may_be_narrowed_to_what_was_granted(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let granted = driver.granted(id).await;
    assert!(!granted.is_empty());
    for (name, access) in granted {
        for asked in [Access::Read, Access::Write, Access::Admin].into_iter().filter(|asked| *asked <= access)
        {
            minted(driver, id, &permitted(&name, asked)).await;
        }
    }
}

/// A refusal is an answer with GitHub's words, not an error, and gives no token (L-48, GitHub fact 19).
pub async fn more_than_was_granted_is_refused_in_githubs_words(driver: &dyn GatewayDriver) {
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
            unreachable!("granted: {scope:?}")
        };
        assert!(!message.is_empty(), "{scope:?}");
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    assert_eq!(driver.live_installation_tokens().await, 0);
}

/// A suspended installation is neither gone nor trouble (L-57).
pub async fn a_suspended_installation_gives_no_token(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    driver.suspend(id).await;
    let minting = driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
    assert!(matches!(minting, MintOutcome::Suspended), "{minting:?}");
}

/// Gone, never given out and another App's are one answer (I10, L-01), and nobody remembers (L-42).
pub async fn what_is_missing_gives_no_token(driver: &dyn GatewayDriver) {
    let gone = installed(driver).await;
    minted(driver, gone, &TokenScope::everything()).await;
    driver.uninstall(gone).await;
    let foreign = driver.install_another_app().await;
    let never = InstallationId::new(InstallationId::MAX).unwrap();
    for id in [gone, foreign, never] {
        let minting = driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
        assert!(matches!(minting, MintOutcome::Missing), "{id}: {minting:?}");
    }
}

/// Keeping tokens is not the gateway's affair: what it gives out is fresh (L-40, L-41).
pub async fn every_mint_gives_another_token(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let one = minted(driver, id, &TokenScope::everything()).await;
    let two = minted(driver, id, &TokenScope::everything()).await;
    assert_ne!(one.expose(), two.expose());
    assert_eq!(driver.live_installation_tokens().await, 2);
}

/// Whatever comes out of it (I19, L-55); clocks were compared before.
pub async fn a_mint_makes_at_most_two_requests(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    driver.gateway().app().await.unwrap();
    for id in [id, InstallationId::new(InstallationId::MAX).unwrap()] {
        let before = driver.requests().await;
        driver.gateway().mint(id, &TokenScope::everything()).await.unwrap();
        let made = driver.requests().await - before;
        assert!((1..=2).contains(&made), "{made}");
    }
}

/// A token that nobody needs is ended at GitHub; the others of the installation are not.
pub async fn a_revoked_token_has_ended_and_no_other(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let one = minted(driver, id, &TokenScope::everything()).await;
    let other = minted(driver, id, &TokenScope::everything()).await;
    driver.gateway().revoke(&one).await.unwrap();
    assert_eq!(driver.live_installation_tokens().await, 1);
    assert_eq!(driver.gateway().repositories(&aged(&one), 1).await.unwrap(), ListOutcome::TokenRefused);
    assert!(matches!(driver.gateway().repositories(&other, 1).await.unwrap(), ListOutcome::Page { .. }));
}

/// Ended is ended: a repeated call, and one after the installation's end, are no errors.
pub async fn what_has_ended_may_be_revoked_again(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let one = minted(driver, id, &TokenScope::everything()).await;
    let other = minted(driver, id, &TokenScope::everything()).await;
    driver.gateway().revoke(&one).await.unwrap();
    driver.gateway().revoke(&one).await.unwrap();
    driver.uninstall(id).await;
    driver.gateway().revoke(&other).await.unwrap();
    assert_eq!(driver.live_installation_tokens().await, 0);
}
