//! A failure of GitHub keeps its kind and is never reported as an outcome.

use std::time::{Duration, Instant};

use dockline::ports::{CodeGrant, LookupOutcome};
use dockline::{AccountKind, PortError, PortErrorKind, PortName, TokenScope};

use super::tokens::minted;
use super::{GatewayDriver, GithubFailure, SignedIn, VisitorRole};
use crate::runner::cases;

/// The error of each method during the failure, for an installation that exists.
async fn errors(driver: &dyn GatewayDriver, failure: GithubFailure) -> Vec<(&'static str, PortErrorKind)> {
    let id = driver.install(AccountKind::Organization).await.id;
    let SignedIn { code, .. } = driver.visitor(VisitorRole::Administrator, id).await;
    let grant = CodeGrant::of_installation(code);
    let everything = TokenScope::everything();
    let token = minted(driver, id, &everything).await;
    driver.fail(failure).await;
    let gateway = driver.gateway();
    let mut errors = vec![
        ("installation", kind(gateway.installation(id).await)),
        ("app", kind(gateway.app().await)),
        ("uninstall", kind(gateway.uninstall(id).await)),
        ("check_visitor", kind(gateway.check_visitor(&grant, id).await)),
        ("mint", kind(gateway.mint(id, &everything).await)),
        ("installer", kind(gateway.installer(id).await)),
    ];
    // These use the installation's token, not the App's credential.
    if failure != GithubFailure::CredentialRejected {
        errors.push(("repositories", kind(gateway.repositories(&token, 1).await)));
        errors.push(("revoke", kind(gateway.revoke(&token).await)));
    }
    errors
}

fn kind<T: std::fmt::Debug>(result: Result<T, PortError>) -> PortErrorKind {
    let error = result.unwrap_err();
    assert_eq!(error.port(), PortName::GithubGateway);
    assert!(error.credential().is_some(), "{error}");
    error.kind()
}

cases!(
    use __github_gateway_failures as list;

    /// If GitHub is down, every method is `Unavailable`, not missing and not refused (I6, L-02, L-55).
    pub async fn github_that_is_down_is_unavailable(driver: &dyn GatewayDriver) {
        for (method, kind) in errors(driver, GithubFailure::Down).await {
            assert_eq!(kind, PortErrorKind::Unavailable, "{method}");
        }
    }

    /// If GitHub does not respond, every method is `Unavailable` within its deadline (I17).
    pub async fn silent_github_is_unavailable_within_the_deadline(driver: &dyn GatewayDriver) {
        let start = Instant::now();
        for (method, kind) in errors(driver, GithubFailure::Silent).await {
            assert_eq!(kind, PortErrorKind::Unavailable, "{method}");
        }
        // Eight calls, and five seconds for the setup.
        assert!(start.elapsed() < driver.timeout() * 8 + Duration::from_secs(5), "{:?}", start.elapsed());
    }

    /// If GitHub limits the rate, every method is `RateLimited` with GitHub's time (I19, L-34, L-58).
    pub async fn rate_limit_keeps_its_kind_and_time(driver: &dyn GatewayDriver) {
        let limit = Duration::from_secs(90);
        for (method, kind) in errors(driver, GithubFailure::RateLimited { retry_after: limit }).await {
            let PortErrorKind::RateLimited { retry_after } = kind else { unreachable!("{method}: {kind:?}") };
            // Later calls may subtract the time that has passed.
            let in_time = limit - Duration::from_secs(60) < retry_after && retry_after <= limit;
            assert!(in_time, "{method}: {retry_after:?}");
        }
    }

    /// A 200 with another body, such as a proxy's page, is `Corrupt`, neither an installation nor its absence (L-55).
    pub async fn malformed_response_is_corrupt(driver: &dyn GatewayDriver) {
        for (method, kind) in errors(driver, GithubFailure::Malformed).await {
            assert_eq!(kind, PortErrorKind::Corrupt, "{method}");
        }
    }

    /// If GitHub rejects the App's credential, every method is `Rejected`, not missing (L-44, L-55).
    pub async fn rejected_credential_is_rejected(driver: &dyn GatewayDriver) {
        for (method, kind) in errors(driver, GithubFailure::CredentialRejected).await {
            assert_eq!(kind, PortErrorKind::Rejected, "{method}");
        }
    }

    /// Once GitHub works again, so does the gateway (I23).
    pub async fn gateway_recovers_with_github(driver: &dyn GatewayDriver) {
        let installed = driver.install(AccountKind::Organization).await;
        for failure in [GithubFailure::Down, GithubFailure::Malformed, GithubFailure::CredentialRejected] {
            driver.fail(failure).await;
            driver.gateway().installation(installed.id).await.unwrap_err();
            driver.recover().await;
            let found = driver.gateway().installation(installed.id).await.unwrap();
            assert_eq!(found, LookupOutcome::Found(installed.clone()));
        }
    }
);
