//! Clock skew (L-43).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use data_encoding::BASE64URL_NOPAD;
use dockline::ports::{GithubGateway, MintOutcome};
use dockline::{PortErrorKind, TokenScope};
use dockline_github::GithubApp;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::fixtures::{MINT, NOW, OPAQUE, chain, clock, config, gateway, installation_id, kind, usual};
use crate::scripted::{Reply, Scripted, Seen};

fn date(unix: i64) -> String {
    let unix = u64::try_from(unix).unwrap();
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix))
}

/// Checks the JWT by its own clock, as GitHub does.
fn strict(now: i64) -> impl Fn(&Seen) -> Option<Reply> {
    move |seen| {
        let claims = seen.bearer().split('.').nth(1).unwrap();
        let claims: Value =
            serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap();
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        let accepted = iat <= now && now < exp && exp <= now + 600;
        (!accepted)
            .then(|| Reply::message(401, "'Expiration time' claim is no good").header("date", date(now)))
    }
}

#[tokio::test]
async fn a_jwt_rejected_for_skew_is_signed_again_by_githubs_clock_and_the_offset_is_kept() {
    for ahead in [-3_600, -700, 700, 86_400] {
        let github = Scripted::start(usual(strict(NOW + ahead))).await;
        let app = gateway(&github);
        app.app().await.unwrap();
        assert_eq!(github.seen().len(), 2, "{ahead}");
        app.app().await.unwrap();
        assert_eq!(github.seen().len(), 3, "{ahead}: remembered");
        let seen = github.seen();
        assert_eq!(seen[1].bearer(), seen[2].bearer(), "{ahead}: one JWT");
    }
}

#[tokio::test]
async fn a_token_request_is_retried_too_and_the_expiry_is_by_our_clock_l40() {
    for ahead in [-3_600, 7_200] {
        let judge = strict(NOW + ahead);
        let github = Scripted::start(usual(move |seen| {
            judge(seen).or_else(|| {
                let end = OffsetDateTime::from_unix_timestamp(NOW + ahead + 3_600).unwrap();
                let end = end.format(&Rfc3339).unwrap();
                (seen.line == MINT).then(|| Reply::json(201, &json!({ "token": OPAQUE, "expires_at": end })))
            })
        }))
        .await;
        let scope = TokenScope::everything().with_repository_names(["beans"]).unwrap();
        let MintOutcome::Minted(token) = gateway(&github).mint(installation_id(), &scope).await.unwrap()
        else {
            panic!("not minted")
        };
        assert_eq!(github.lines(), [MINT, MINT]);
        assert_eq!(github.seen()[0].body, github.seen()[1].body);
        assert_eq!(token.issued_at().unix_timestamp(), NOW);
        assert_eq!(token.expires_at().unix_timestamp(), NOW + 3_600, "{ahead}");
    }
}

#[tokio::test]
async fn tolerable_skew_needs_no_retry() {
    for ahead in [-59, -30, 30, 500] {
        let github = Scripted::start(usual(strict(NOW + ahead))).await;
        gateway(&github).app().await.unwrap();
        assert_eq!(github.seen().len(), 1, "{ahead}");
    }
}

#[tokio::test]
async fn if_the_retry_is_rejected_too_the_error_names_the_skew_in_seconds() {
    for (ahead, named) in [(3_600, "our clock is 3600 s behind"), (-3_600, "our clock is 3600 s ahead of")] {
        let refuse = move |_: &Seen| Some(Reply::message(401, "no").header("date", date(NOW + ahead)));
        let github = Scripted::start(usual(refuse)).await;
        let error = gateway(&github).app().await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected);
        assert!(chain(&error).contains(named), "{}", chain(&error));
        assert_eq!(github.seen().len(), 2, "one retry");
        assert_ne!(github.seen()[0].bearer(), github.seen()[1].bearer());
    }
}

#[tokio::test]
async fn a_401_without_skew_is_not_retried() {
    for ahead in [-30, 0, 30] {
        let refuse = move |_: &Seen| Some(Reply::message(401, "no").header("date", date(NOW + ahead)));
        let github = Scripted::start(usual(refuse)).await;
        let error = gateway(&github).app().await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected);
        assert!(chain(&error).contains("refuses the App's credential"), "{}", chain(&error));
        assert_eq!(github.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_401_without_a_valid_date_is_not_retried() {
    let github =
        Scripted::start(usual(|_| Some(Reply::message(401, "no").header("date", "yesterday")))).await;
    assert_eq!(kind(gateway(&github).app().await), PortErrorKind::Rejected);
    assert_eq!(github.seen().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_corrected_later_is_noticed() {
    // Our clock starts an hour behind GitHub's and is corrected later.
    let github_now = Arc::new(AtomicI64::new(NOW + 3_600));
    let shared = Arc::clone(&github_now);
    let github = Scripted::start(usual(move |seen| strict(shared.load(Ordering::Relaxed))(seen))).await;
    let clock = clock();
    let app = GithubApp::new(config(&github).with_clock(Arc::clone(&clock) as _)).unwrap();
    app.app().await.unwrap();
    assert_eq!(github.seen().len(), 2);

    clock.advance(Duration::hours(1));
    app.app().await.unwrap();
    assert_eq!(github.seen().len(), 4, "rejected with the old offset, retried with the new");
    app.app().await.unwrap();
    assert_eq!(github.seen().len(), 5);
}

#[tokio::test]
async fn concurrent_rejected_calls_are_all_corrected() {
    let judge = strict(NOW + 3_600);
    let late = std::time::Duration::from_millis(50);
    let github = Scripted::start(usual(move |seen| judge(seen).map(|refused| refused.after(late)))).await;
    let app = gateway(&github);
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.app().await.unwrap() })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert!(github.seen().len() <= 32, "each call is rejected at most once");
}
