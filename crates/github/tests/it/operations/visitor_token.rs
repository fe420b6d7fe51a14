//! The visitor's token is revoked on every path.

use std::time::Duration;

use dockline::ports::{GithubGateway, VisitorCheck};
use dockline::{Membership, PortError, PortErrorKind, UnknownReason};

use crate::fixtures::{
    REVOCATION, TOKEN, code, facts, gateway, impatient, installation_id, kind, limited, usual,
};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};

/// The calls made with the token, in their order.
const STEPS: [&str; 3] = ["GET /api/user", "GET /api/user/installations", "GET /api/user/memberships"];

/// A GitHub with this response to one of the steps.
async fn failing(step: &'static str, reply: impl Fn() -> Reply + Send + Sync + 'static) -> Scripted {
    let is_it = move |seen: &Seen| match step {
        "GET /api/user" => seen.line == step,
        _ => seen.line.starts_with(step),
    };
    Scripted::start(usual(move |seen| is_it(seen).then(&reply))).await
}

fn revoked(github: &Scripted) -> bool {
    let seen = github.seen();
    let last = seen.last().unwrap();
    last.line == REVOCATION && last.body.contains(TOKEN)
}

/// The membership alone is unknown if GitHub fails to tell it.
fn assert_unavailable(outcome: Result<VisitorCheck, PortError>) {
    assert_eq!(facts(outcome).membership, Membership::Unknown(UnknownReason::Unavailable));
}

#[tokio::test]
async fn an_error_midway_keeps_its_kind_and_the_token_is_revoked_l34() {
    for step in STEPS {
        let cases: [(fn() -> Reply, PortErrorKind); 7] = [
            (|| Reply::bytes(500, "<html>"), PortErrorKind::Unavailable),
            (|| Reply::bytes(200, "<html>"), PortErrorKind::Corrupt),
            (|| Reply::bytes(200, "{}"), PortErrorKind::Corrupt),
            (|| Reply::bytes(429, "").header("retry-after", "9"), limited(9)),
            (|| Reply::bytes(403, "").header("x-ratelimit-remaining", "0"), limited(60)),
            (|| Reply::bytes(302, "").header("location", "https://example.com"), PortErrorKind::Corrupt),
            (|| Reply::message(401, "Bad credentials"), PortErrorKind::Unavailable),
        ];
        for (index, (reply, expected)) in cases.into_iter().enumerate() {
            let github = failing(step, reply).await;
            let outcome = gateway(&github).check_visitor(&code(), installation_id()).await;
            if (step, expected) == (STEPS[2], PortErrorKind::Unavailable) && index == 0 {
                assert_unavailable(outcome);
            } else {
                assert_eq!(kind(outcome), expected, "{step}, case {index}");
            }
            assert!(revoked(&github), "{step}, case {index}");
        }
    }
}

#[tokio::test]
async fn the_token_is_revoked_if_github_stops_responding_midway() {
    for step in STEPS {
        let github = failing(step, || Reply::Never).await;
        let outcome = impatient(&github).check_visitor(&code(), installation_id()).await;
        if step == STEPS[2] {
            assert_unavailable(outcome);
        } else {
            assert_eq!(kind(outcome), PortErrorKind::Unavailable, "{step}");
        }
        assert!(revoked(&github), "{step}");
    }
}

#[tokio::test]
async fn the_token_is_revoked_if_the_caller_leaves_midway() {
    for step in STEPS {
        let github = failing(step, || Reply::Never).await;
        let app = impatient(&github);
        let code = code();
        tokio::select! {
            _ = app.check_visitor(&code, installation_id()) => panic!("GitHub does not respond"),
            () = github.until(step) => {}
        }
        // The future is dropped, and so is the gateway.
        drop(app);
        github.until(REVOCATION).await;
        assert!(revoked(&github), "{step}");
    }
}

#[tokio::test]
async fn the_token_is_revoked_if_the_caller_leaves_during_the_exchange() {
    let github = Scripted::start(usual(|_| None)).await;
    let (app, code) = (gateway(&github), code());
    tokio::select! {
        _ = app.check_visitor(&code, installation_id()) => panic!("the check completed first"),
        () = github.until("POST /login") => {}
    }
    github.until(REVOCATION).await;
    assert!(revoked(&github));
}

#[tokio::test]
async fn a_failed_revocation_is_a_warning_and_no_error() {
    let cases: [(fn() -> Reply, usize); 5] = [
        (|| Reply::bytes(500, ""), 1),
        (|| Reply::message(401, "Bad credentials"), 1),
        (|| Reply::bytes(429, ""), 1),
        (|| Reply::Never, 1),
        // Already revoked.
        (|| Reply::message(404, "Not Found"), 0),
    ];
    for (reply, warned) in cases {
        let (logs, _guard) = Logs::capture();
        let github = failing(REVOCATION, reply).await;
        let found = facts(impatient(&github).check_visitor(&code(), installation_id()).await);
        assert_eq!(found.membership, Membership::Administrator);
        let warnings = logs.warnings();
        assert_eq!(warnings.len(), warned, "{warnings:?}");
        assert!(warnings.iter().all(|line| line.contains("could not be revoked")), "{warnings:?}");
    }
}

#[tokio::test]
async fn a_visitor_check_has_a_timeout_of_its_own_i17() {
    // Each page arrives in time; only all of them together take too long.
    let late = std::sync::atomic::AtomicU64::new(0);
    let github = Scripted::start(usual(move |seen| {
        seen.line.starts_with(STEPS[1]).then(|| {
            late.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Reply::bytes(
                200,
                r#"{"total_count":1000000,"installations":[{"id":1,"app_id":2,"account":null}]}"#,
            )
            .after(Duration::from_millis(300))
        })
    }))
    .await;
    let failure = impatient(&github).check_visitor(&code(), installation_id()).await;
    assert_eq!(kind(failure), PortErrorKind::Unavailable);
    assert!(revoked(&github));
    assert!(github.seen().len() < 20, "{}", github.seen().len());
}
