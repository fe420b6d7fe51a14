//! Trouble at GitHub keeps its kind, and is never taken for an answer.

use std::time::{Duration, Instant};

use dockline::ports::LookupOutcome;
use dockline::{AccountKind, PortError, PortErrorKind, PortName, TokenScope};

use super::minting::minted;
use super::{GatewayDriver, Standing, Trouble, Visitor};

/// What each method says while there is trouble, about an installation that is there.
async fn errors(driver: &dyn GatewayDriver, trouble: Trouble) -> Vec<(&'static str, PortErrorKind)> {
    let id = driver.install(AccountKind::Organization).await.id;
    let Visitor { code, .. } = driver.visitor(Standing::Administrator, id).await;
    let everything = TokenScope::everything();
    let token = minted(driver, id, &everything).await;
    driver.trouble(trouble).await;
    let gateway = driver.gateway();
    let mut errors = vec![
        ("installation", kind(gateway.installation(id).await)),
        ("app", kind(gateway.app().await)),
        ("uninstall", kind(gateway.uninstall(id).await)),
        ("prove", kind(gateway.check_visitor(&code, id).await)),
        ("mint", kind(gateway.mint(id, &everything).await)),
        ("installer", kind(gateway.installer(id).await)),
    ];
    // Where it is the credential that is refused, an installation's token has its own answers.
    if trouble != Trouble::CredentialRefused {
        errors.push(("repositories", kind(gateway.repositories(&token, 1).await)));
        errors.push(("revoke", kind(gateway.revoke(&token).await)));
    }
    errors
}

fn kind<T: std::fmt::Debug>(answer: Result<T, PortError>) -> PortErrorKind {
    let error = answer.unwrap_err();
    assert_eq!(error.port(), PortName::GithubGateway);
    error.kind()
}

/// Neither missing nor refused: nobody concludes anything from silence (I6, L-02, L-55).
pub async fn a_github_that_is_down_is_unavailable(driver: &dyn GatewayDriver) {
    for (method, kind) in errors(driver, Trouble::Down).await {
        assert_eq!(kind, PortErrorKind::Unavailable, "{method}");
    }
}

/// Every call has a deadline (I17).
pub async fn a_github_that_does_not_answer_is_unavailable_in_time(driver: &dyn GatewayDriver) {
    let start = Instant::now();
    for (method, kind) in errors(driver, Trouble::Silent).await {
        assert_eq!(kind, PortErrorKind::Unavailable, "{method}");
    }
    // Eight calls, and what setting the scene takes.
    assert!(start.elapsed() < driver.patience() * 8 + Duration::from_secs(5), "{:?}", start.elapsed());
}

/// A limit is not "not found", and says until when (I19, L-34, L-58).
pub async fn a_limit_keeps_its_kind_and_its_time(driver: &dyn GatewayDriver) {
    let asked = Duration::from_secs(90);
    for (method, kind) in errors(driver, Trouble::Limited { retry_after: asked }).await {
        let PortErrorKind::RateLimited { retry_after } = kind else { unreachable!("{method}: {kind:?}") };
        // Later calls may know that some of it has passed.
        assert!(
            asked - Duration::from_secs(60) < retry_after && retry_after <= asked,
            "{method}: {retry_after:?}"
        );
    }
}

/// A proxy's page with status 200 is neither an installation nor its absence (L-55).
pub async fn what_is_not_githubs_is_corrupt(driver: &dyn GatewayDriver) {
    for (method, kind) in errors(driver, Trouble::Garbage).await {
        assert_eq!(kind, PortErrorKind::Corrupt, "{method}");
    }
}

/// Our own wrong credential is not the customer's missing installation (L-44, L-55).
pub async fn a_refused_credential_is_rejected(driver: &dyn GatewayDriver) {
    for (method, kind) in errors(driver, Trouble::CredentialRefused).await {
        assert_eq!(kind, PortErrorKind::Rejected, "{method}");
    }
}

/// The same call again, once GitHub is back, is answered as if nothing had been (I23).
pub async fn trouble_that_passes_leaves_nothing_behind(driver: &dyn GatewayDriver) {
    let installed = driver.install(AccountKind::Organization).await;
    for trouble in [Trouble::Down, Trouble::Garbage, Trouble::CredentialRefused] {
        driver.trouble(trouble).await;
        driver.gateway().installation(installed.id).await.unwrap_err();
        driver.mend().await;
        assert_eq!(
            driver.gateway().installation(installed.id).await.unwrap(),
            LookupOutcome::Found(installed.clone())
        );
    }
}
