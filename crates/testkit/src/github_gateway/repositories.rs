//! The repositories that a token reaches, page by page.

use dockline::ports::ListOutcome;
use dockline::{AccountKind, InstallationId, InstallationToken, Repository, TokenScope};

use super::GatewayDriver;
use super::tokens::{aged, minted};
use crate::runner::cases;

async fn installed(driver: &dyn GatewayDriver) -> InstallationId {
    driver.install(AccountKind::Organization).await.id
}

async fn page(
    driver: &dyn GatewayDriver,
    token: &InstallationToken,
    number: u32,
) -> (Vec<Repository>, u64, Option<u32>) {
    match driver.gateway().repositories(token, number).await.unwrap() {
        ListOutcome::Page { repositories, total, next } => (repositories, total, next),
        ListOutcome::TokenRefused | ListOutcome::Denied(_) => unreachable!("the token must be accepted"),
    }
}

cases!(
    use __github_gateway_repositories as list;

    /// An installation without repositories has one empty page.
    pub async fn installation_without_repositories_lists_none(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let token = minted(driver, id, &TokenScope::everything()).await;
        assert_eq!(page(driver, &token, 1).await, (vec![], 0, None));
    }

    /// Each page holds GitHub's repositories in GitHub's order and names the next page, and the total counts all pages (L-54,
    /// L-79).
    pub async fn every_page_is_listed_in_order(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let all = driver.add_repositories(id, 203).await;
        let token = minted(driver, id, &TokenScope::everything()).await;
        let size = ListOutcome::PER_PAGE as usize;
        // Out of order, because the gateway keeps no position.
        for number in [3_u32, 1, 2, 4] {
            let first = (number as usize - 1) * size;
            let expected: Vec<_> = all.iter().skip(first).take(size).cloned().collect();
            let (repositories, total, next) = page(driver, &token, number).await;
            assert_eq!(repositories, expected, "page {number}");
            assert_eq!(total, 203, "page {number}");
            assert_eq!(next, (number < 3).then_some(number + 1), "page {number}");
        }
    }

    /// A token of a suspended or uninstalled installation is `TokenRefused`, which is not an error.
    pub async fn token_of_an_ended_installation_is_refused(driver: &dyn GatewayDriver) {
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

    /// A fresh token that is rejected is retried, because GitHub's servers learn of it one after the other (L-49).
    pub async fn rejected_fresh_token_is_retried(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        driver.reject_fresh_tokens(1).await;
        let token = minted(driver, id, &TokenScope::everything()).await;
        assert_eq!(page(driver, &token, 1).await.1, 0);
    }

    /// An older token that is rejected is refused after one request (L-49).
    pub async fn rejected_old_token_is_not_retried(driver: &dyn GatewayDriver) {
        let id = installed(driver).await;
        let token = aged(&minted(driver, id, &TokenScope::everything()).await);
        driver.uninstall(id).await;
        let before = driver.requests().await;
        assert_eq!(driver.gateway().repositories(&token, 1).await.unwrap(), ListOutcome::TokenRefused);
        assert_eq!(driver.requests().await - before, 1);
    }
);
