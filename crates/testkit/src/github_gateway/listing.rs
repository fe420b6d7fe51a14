//! What a token reaches.

use dockline::ports::ListOutcome;
use dockline::{AccountKind, InstallationId, InstallationToken, Repository, TokenScope};

use super::GatewayDriver;
use super::minting::{aged, minted};

async fn installed(driver: &dyn GatewayDriver) -> InstallationId {
    driver.install(AccountKind::Organization).await.id
}

async fn page(driver: &dyn GatewayDriver, token: &InstallationToken, number: u32) -> (Vec<Repository>, u64) {
    match driver.gateway().repositories(token, number).await.unwrap() {
        ListOutcome::Page { repositories, total } => (repositories, total),
        ListOutcome::TokenRefused => unreachable!("refused"),
    }
}

/// An installation that reaches nothing has one page, and it is empty.
pub async fn an_installation_without_repositories_lists_none(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let token = minted(driver, id, &TokenScope::everything()).await;
    assert_eq!(page(driver, &token, 1).await, (vec![], 0));
}

/// Each page is the one that was asked for, each repository is told as GitHub tells it, and the total is of all pages
/// (L-54, GitHub fact 25).
pub async fn every_page_is_listed_as_it_is(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let all = driver.add_repositories(id, 203).await;
    let token = minted(driver, id, &TokenScope::everything()).await;
    let size = ListOutcome::PER_PAGE as usize;
    // Not in their order: nobody counts along.
    for number in [3_u32, 1, 2, 4] {
        let first = (number as usize - 1) * size;
        let expected: Vec<_> = all.iter().skip(first).take(size).cloned().collect();
        let (repositories, total) = page(driver, &token, number).await;
        assert_eq!(repositories, expected, "page {number}");
        assert_eq!(total, 203, "page {number}");
    }
}

/// An answer, not an error: the caller has to get another token, or to learn what became of the installation.
pub async fn a_token_that_has_ended_is_refused(driver: &dyn GatewayDriver) {
    let (suspended, gone) = (installed(driver).await, installed(driver).await);
    let mut tokens = Vec::new();
    for id in [suspended, gone] {
        tokens.push(aged(&minted(driver, id, &TokenScope::everything()).await));
    }
    driver.suspend(suspended).await;
    driver.uninstall(gone).await;
    for token in &tokens {
        let listing = driver.gateway().repositories(token, 1).await.unwrap();
        assert_eq!(listing, ListOutcome::TokenRefused, "{token:?}");
    }
}

/// GitHub's machines learn of a token one after the other (L-49). The gateway may wait some seconds.
pub async fn a_fresh_token_that_is_refused_at_first_is_tried_again(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    driver.refuse_fresh_tokens(1).await;
    let token = minted(driver, id, &TokenScope::everything()).await;
    assert_eq!(page(driver, &token, 1).await.1, 0);
}

/// For a token that is not fresh, a refusal is final (L-49): it is not asked for again.
pub async fn an_old_token_is_refused_at_once(driver: &dyn GatewayDriver) {
    let id = installed(driver).await;
    let token = aged(&minted(driver, id, &TokenScope::everything()).await);
    driver.uninstall(id).await;
    let before = driver.requests().await;
    assert_eq!(driver.gateway().repositories(&token, 1).await.unwrap(), ListOutcome::TokenRefused);
    assert_eq!(driver.requests().await - before, 1);
}
