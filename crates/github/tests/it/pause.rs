//! Rate limits: no call before the time that GitHub asked for (I19).

use std::sync::Arc;

use dockline::PortErrorKind;
use dockline::ports::{GithubGateway, VisitorCheck};
use dockline_github::GithubApp;
use time::Duration;

use crate::fixtures::{NOW, REVOCATION, clock, code, config, installation_id, kind, limited, usual};
use crate::scripted::{Reply, Scripted};

#[tokio::test]
async fn during_a_pause_each_call_returns_the_rest_of_it_and_sends_nothing_i19_l34() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let github = Scripted::start(usual(move |_| {
        let limit = || Reply::message(429, "slow down").header("retry-after", "90");
        first.swap(false, std::sync::atomic::Ordering::Relaxed).then(limit)
    }))
    .await;
    let clock = clock();
    let app = GithubApp::new(config(&github).with_clock(Arc::clone(&clock) as _)).unwrap();
    assert_eq!(kind(app.installation(installation_id()).await), limited(90));

    clock.advance(Duration::seconds(30));
    assert_eq!(kind(app.installation(installation_id()).await), limited(60));
    assert_eq!(kind(app.clone().app().await), limited(60), "a clone is the same gateway");
    assert_eq!(kind(app.uninstall(installation_id()).await), limited(60));
    assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), limited(60));
    clock.advance(Duration::milliseconds(59_500));
    assert_eq!(kind(app.app().await), limited(1));
    assert_eq!(github.seen().len(), 1, "nothing was sent");

    clock.advance(Duration::milliseconds(500));
    app.app().await.unwrap();
    assert_eq!(github.seen().len(), 2);
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
    slow.advance(Duration::seconds(-120));
    let app = GithubApp::new(config(&github).with_clock(Arc::clone(&slow) as _)).unwrap();
    assert_eq!(kind(app.app().await), limited(300));
    slow.advance(Duration::seconds(299));
    assert_eq!(kind(app.app().await), limited(1));
    assert_eq!(github.seen().len(), 1);
}

#[tokio::test]
async fn a_visitors_used_up_budget_pauses_no_other_call() {
    let github = Scripted::start(usual(|seen| {
        let limit = || {
            Reply::message(403, "API rate limit exceeded")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", (NOW + 1_800).to_string())
        };
        (seen.line == "GET /api/user").then(limit)
    }))
    .await;
    let app = GithubApp::new(config(&github)).unwrap();
    assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), limited(1_800));
    assert_eq!(github.lines().last().unwrap(), REVOCATION);
    app.installation(installation_id()).await.unwrap();
}

#[tokio::test]
async fn a_secondary_limit_pauses_all_calls_but_the_revocation_i19() {
    let github = Scripted::start(usual(|seen| {
        let limit =
            || Reply::message(403, "You have exceeded a secondary rate limit").header("retry-after", "45");
        (seen.line == "GET /api/user").then(limit)
    }))
    .await;
    let app = GithubApp::new(config(&github)).unwrap();
    assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), limited(45));
    assert_eq!(github.lines().last().unwrap(), REVOCATION, "the token is revoked despite the pause");
    let sent = github.seen().len();
    assert_eq!(kind(app.installation(installation_id()).await), limited(45));
    assert_eq!(github.seen().len(), sent);
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
