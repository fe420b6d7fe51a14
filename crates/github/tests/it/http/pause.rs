//! Rate limits: no call before the time that GitHub asked for (I19).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dockline::ports::{GithubGateway, VisitorCheck};
use dockline::{GithubCredential, PortErrorKind};
use dockline_github::GithubApp;

use crate::fixtures::{
    NOW, REVOCATION, TOKEN, clock, code, config, gateway, installation_id, kind, limited, token, usual,
};
use crate::scripted::{Reply, Scripted};

/// Limits the first request with this `Retry-After`.
async fn limiting_once(retry_after: u64) -> Scripted {
    let first = AtomicBool::new(true);
    Scripted::start(usual(move |_| {
        let limit = || Reply::message(429, "slow down").header("retry-after", retry_after.to_string());
        first.swap(false, Ordering::Relaxed).then(limit)
    }))
    .await
}

#[tokio::test]
async fn during_a_pause_each_call_as_the_app_returns_the_rest_of_it_and_sends_nothing_i19_l34() {
    let github = limiting_once(3_600).await;
    let app = gateway(&github);
    let is_paused =
        |kind| matches!(kind, PortErrorKind::RateLimited { retry_after } if retry_after.as_secs() > 3_500);
    assert_eq!(kind(app.installation(installation_id()).await), limited(3_600));
    assert!(is_paused(kind(app.installation(installation_id()).await)));
    assert!(is_paused(kind(app.clone().app().await)), "a clone is the same gateway");
    assert!(is_paused(kind(app.uninstall(installation_id()).await)));
    assert_eq!(github.seen().len(), 1, "nothing was sent");
}

#[tokio::test]
async fn a_pause_ends_in_real_time_and_no_call_is_sent_before_i19() {
    let github = limiting_once(1).await;
    let app = gateway(&github);
    let started = Instant::now();
    assert_eq!(kind(app.app().await), limited(1));
    while let Err(error) = app.app().await {
        assert_eq!(error.kind(), limited(1));
        assert_eq!(github.seen().len(), 1);
        tokio::task::yield_now().await;
    }
    assert!(started.elapsed() >= Duration::from_secs(1));
}

/// Pauses are measured by monotonic time.
#[tokio::test]
async fn a_clock_that_is_set_neither_shortens_nor_extends_a_pause_i27_c56() {
    for hours in [-48, -1, 1, 48] {
        let github = limiting_once(90).await;
        let clock = clock();
        let app = GithubApp::new(config(&github).with_clock(Arc::clone(&clock) as _)).unwrap();
        assert_eq!(kind(app.app().await), limited(90));
        clock.advance(time::Duration::hours(hours));
        let PortErrorKind::RateLimited { retry_after } = kind(app.app().await) else {
            panic!("the pause ended")
        };
        assert!((80..=90).contains(&retry_after.as_secs()), "{hours} {retry_after:?}");
        assert_eq!(github.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_used_up_app_budget_pauses_until_the_reset_by_githubs_clock() {
    let github = Scripted::start(|_| {
        Reply::message(403, "API rate limit exceeded")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", (NOW + 300).to_string())
    })
    .await;
    // Our clock is two minutes slow; the pause must not last two minutes longer.
    let slow = clock();
    slow.advance(time::Duration::seconds(-120));
    let app = GithubApp::new(config(&github).with_clock(Arc::clone(&slow) as _)).unwrap();
    assert_eq!(kind(app.app().await), limited(300));
    assert!(matches!(kind(app.app().await), PortErrorKind::RateLimited { .. }));
    assert_eq!(github.seen().len(), 1);
}

/// Whatever GitHub limits for one visitor, with whatever headers, no other call pauses.
#[tokio::test]
async fn a_visitors_limit_pauses_no_other_call_l70_c09() {
    for (used_up, wait) in [(true, 1_800), (false, 3_600)] {
        let github = Scripted::start(usual(move |seen| {
            let limit = || {
                let reply = Reply::message(403, "You have exceeded a secondary rate limit");
                if used_up {
                    reply
                        .header("x-ratelimit-remaining", "0")
                        .header("x-ratelimit-reset", (NOW + 1_800).to_string())
                } else {
                    reply.header("retry-after", "3600")
                }
            };
            let limited = seen.line == "GET /api/user" && seen.bearer() == TOKEN;
            limited.then(limit)
        }))
        .await;
        let app = gateway(&github);
        let error = app.check_visitor(&code(), installation_id()).await.unwrap_err();
        assert_eq!((error.kind(), error.credential()), (limited(wait), Some(GithubCredential::Visitor)));
        assert_eq!(github.lines().last().unwrap(), REVOCATION, "the token is revoked");
        app.installation(installation_id()).await.unwrap();
        app.app().await.unwrap();
        app.repositories(&token(), 1).await.unwrap();
        // The next visitor is asked about, too.
        let before = github.seen().len();
        assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), limited(wait));
        assert_eq!(github.seen().len(), before + 3);
    }
}

#[tokio::test]
async fn a_limit_of_the_oauth_client_pauses_exchanges_only_c09() {
    let github = Scripted::start(usual(|seen| {
        seen.line.starts_with("POST /login").then(|| Reply::message(429, "").header("retry-after", "3600"))
    }))
    .await;
    let app = gateway(&github);
    let error = app.check_visitor(&code(), installation_id()).await.unwrap_err();
    assert_eq!((error.kind(), error.credential()), (limited(3_600), Some(GithubCredential::OauthClient)));
    assert!(matches!(
        kind(app.check_visitor(&code(), installation_id()).await),
        PortErrorKind::RateLimited { .. }
    ));
    assert_eq!(github.seen().len(), 1);
    app.app().await.unwrap();
    app.repositories(&token(), 1).await.unwrap();
}

#[tokio::test]
async fn a_limit_of_the_app_pauses_no_visitor_and_no_installation_c09() {
    let github = limiting_once(3_600).await;
    let app = gateway(&github);
    assert_eq!(kind(app.app().await), limited(3_600));
    app.repositories(&token(), 1).await.unwrap();
    assert!(matches!(app.check_visitor(&code(), installation_id()).await, Ok(VisitorCheck::Visitor(_))));
    assert!(matches!(kind(app.app().await), PortErrorKind::RateLimited { .. }));
}

#[tokio::test]
async fn gateways_share_no_pause_l37() {
    let github = Scripted::start(usual(|seen| {
        (seen.header("user-agent").ends_with("one")).then(|| Reply::bytes(429, ""))
    }))
    .await;
    let one = GithubApp::new(config(&github).with_user_agent_suffix("one")).unwrap();
    let two = GithubApp::new(config(&github)).unwrap();
    assert_eq!(kind(one.app().await), limited(60));
    two.app().await.unwrap();
    assert!(matches!(two.check_visitor(&code(), installation_id()).await, Ok(VisitorCheck::Visitor(_))));
    assert!(matches!(kind(one.app().await), PortErrorKind::RateLimited { .. }));
}
