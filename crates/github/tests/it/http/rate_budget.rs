//! The App's remaining budget, and which calls a used-up budget pauses (I19).

use dockline::ports::{GithubGateway, RateLeft};
use dockline::{GithubCredential, InstallationId, InstallationToken, NewToken, PortErrorKind, TokenScope};
use time::OffsetDateTime;

use crate::fixtures::{MINT, NOW, app_body, gateway, installation_id, kind, limited, token, usual};
use crate::scripted::{Reply, Scripted};

fn with_rate(reply: Reply, remaining: u64) -> Reply {
    reply
        .header("x-ratelimit-limit", "15000")
        .header("x-ratelimit-remaining", remaining.to_string())
        .header("x-ratelimit-reset", (NOW + 1_800).to_string())
}

#[tokio::test]
async fn the_budget_left_is_that_of_the_latest_response_to_the_app() {
    let github = Scripted::start(usual(|seen| match seen.line.as_str() {
        "GET /api/app" => Some(with_rate(Reply::json(200, &app_body()), 14_999)),
        "GET /api/app/installations/6000000042" => Some(with_rate(Reply::message(404, "Not Found"), 14_998)),
        MINT => Some(with_rate(Reply::message(422, "no"), 14_997)),
        "DELETE /api/installation/token" => Some(with_rate(Reply::bytes(204, ""), 4_000)),
        line if line.starts_with("GET /api/installation") => Some(with_rate(Reply::message(404, ""), 4_000)),
        _ => None,
    }))
    .await;
    let app = gateway(&github);
    let resets_at = OffsetDateTime::from_unix_timestamp(NOW + 1_800).unwrap();
    let left = |remaining| Some(RateLeft { limit: 15_000, remaining, resets_at });
    assert_eq!(app.rate_left(), None);
    app.app().await.unwrap();
    assert_eq!(app.rate_left(), left(14_999));
    app.mint(installation_id(), &TokenScope::everything()).await.unwrap();
    assert_eq!(app.clone().rate_left(), left(14_997), "errors count, and clones share the budget");
    app.repositories(&token(), 1).await.unwrap();
    app.revoke(&token()).await.unwrap();
    assert_eq!(app.rate_left(), left(14_997), "an installation has its own budget");
    app.installation(installation_id()).await.unwrap();
    assert_eq!(app.rate_left(), left(14_998), "from the 404, since the App was confirmed within the minute");
    app.uninstall(InstallationId::new(1).unwrap()).await.unwrap();
    assert_eq!(github.lines().last().unwrap(), "DELETE /api/app/installations/1");
}

#[tokio::test]
async fn without_rate_limit_headers_the_budget_is_unknown() {
    let github = Scripted::start(usual(|_| None)).await;
    let app = gateway(&github);
    app.app().await.unwrap();
    assert_eq!(app.rate_left(), None);
}

fn token_of(installation: u64) -> InstallationToken {
    InstallationToken::new(NewToken {
        installation: InstallationId::new(installation).unwrap(),
        secret: format!("ghs_of_{installation}").into(),
        issued_at: OffsetDateTime::UNIX_EPOCH,
        expires_at: OffsetDateTime::UNIX_EPOCH,
        web_origin: "https://github.com".to_owned(),
    })
}

#[tokio::test]
async fn an_installations_used_up_budget_pauses_only_that_installation() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let github = Scripted::start(usual(move |_| {
        let limit = || with_rate(Reply::message(403, "API rate limit exceeded for installation ID 1."), 0);
        first.swap(false, std::sync::atomic::Ordering::Relaxed).then(limit)
    }))
    .await;
    let app = gateway(&github);
    assert_eq!(kind(app.repositories(&token_of(1), 1).await), limited(1_800));
    assert!(matches!(kind(app.repositories(&token_of(1), 1).await), PortErrorKind::RateLimited { .. }));
    assert_eq!(github.seen().len(), 1, "nothing was sent");

    app.repositories(&token_of(2), 1).await.unwrap();
    app.app().await.unwrap();
    app.revoke(&token_of(1)).await.unwrap();
    assert_eq!(github.seen().len(), 4);
}

/// `Retry-After: 3600` on one installation's listing.
#[tokio::test]
async fn a_secondary_limit_of_one_installation_pauses_only_that_installation_l70_c09() {
    let github = Scripted::start(usual(|seen| {
        let limit =
            || Reply::message(403, "You have exceeded a secondary rate limit").header("retry-after", "3600");
        (seen.bearer() == token_of(1).expose() && seen.line.starts_with("GET /api/installation/")).then(limit)
    }))
    .await;
    let app = gateway(&github);
    let error = app.repositories(&token_of(1), 1).await.unwrap_err();
    assert_eq!((error.kind(), error.credential()), (limited(3_600), Some(GithubCredential::Installation)));
    assert!(matches!(kind(app.repositories(&token_of(1), 1).await), PortErrorKind::RateLimited { .. }));
    assert_eq!(github.seen().len(), 1);
    app.repositories(&token(), 1).await.unwrap();
    app.mint(installation_id(), &TokenScope::everything()).await.unwrap();
    app.app().await.unwrap();
    let sent = github.seen().len();
    app.revoke(&token_of(1)).await.unwrap();
    assert_eq!(github.seen().len(), sent + 1, "the token is revoked despite the pause");
}
