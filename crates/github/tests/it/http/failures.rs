//! Failures of GitHub and of the network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dockline::ports::{GithubGateway, ListOutcome, LookupOutcome, MintOutcome, UninstallOutcome};
use dockline::{DenialCause, GithubCredential, PortError, PortErrorKind, TokenScope};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixtures::{
    MINT, OPAQUE, PKCS1, chain, clock, code, gateway, impatient, installation_id, kind, limited,
    repository_body, token, token_aged, token_body, usual,
};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted};

/// A server that responds with these bytes, and then closes the connection or holds it open.
async fn raw(bytes: &'static [u8], hold: bool) -> GithubApp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            assert_ne!(connection.read(&mut request).await.unwrap(), 0);
            connection.write_all(bytes).await.unwrap();
            if hold {
                held.push(connection);
            }
        }
    });
    let config = GithubAppConfig::new(7_u64.try_into().unwrap(), "acme-dock", PKCS1.into())
        .with_host(GithubHost::at(&base, &base).unwrap())
        .with_timeout(Duration::from_millis(500))
        .with_clock(clock());
    GithubApp::new(config).unwrap()
}

#[tokio::test]
async fn an_error_has_the_same_kind_for_each_call_l34_l58() {
    let cases: [(fn() -> Reply, PortErrorKind); 7] = [
        (|| Reply::bytes(500, ""), PortErrorKind::Unavailable),
        (|| Reply::bytes(502, "<html>"), PortErrorKind::Unavailable),
        (|| Reply::message(403, "You have exceeded a secondary rate limit"), limited(60)),
        (|| Reply::message(400, "1999-01-01 is not a supported version"), PortErrorKind::Unexpected),
        (|| Reply::bytes(307, "").header("location", "/elsewhere"), PortErrorKind::Corrupt),
        (|| Reply::bytes(200, "<html>"), PortErrorKind::Corrupt),
        (|| Reply::bytes(200, ""), PortErrorKind::Corrupt),
    ];
    for (index, (reply, expected)) in cases.into_iter().enumerate() {
        // A new gateway for each call, since one that is rate limited would not send another.
        let github = Scripted::start(move |_| reply()).await;
        let app = || gateway(&github);
        assert_eq!(kind(app().app().await), expected, "case {index}");
        assert_eq!(kind(app().installation(installation_id()).await), expected, "case {index}");
        assert_eq!(kind(app().uninstall(installation_id()).await), expected, "case {index}");
        assert_eq!(kind(app().check_visitor(&code(), installation_id()).await), expected, "case {index}");
        assert_eq!(
            kind(app().mint(installation_id(), &TokenScope::everything()).await),
            expected,
            "case {index}"
        );
        assert_eq!(kind(app().repositories(&token(), 1).await), expected, "case {index}");
        assert_eq!(kind(app().revoke(&token()).await), expected, "case {index}");
        assert_eq!(kind(app().installer(installation_id()).await), expected, "case {index}");
        assert_eq!(github.seen().len(), 8, "case {index}: nothing is retried");
    }
}

#[tokio::test]
async fn responses_that_are_values_of_some_calls_are_errors_of_the_others() {
    let cases: [(fn() -> Reply, PortErrorKind); 2] = [
        (|| Reply::message(403, "This installation has been suspended"), PortErrorKind::Rejected),
        (|| Reply::message(422, "Validation Failed"), PortErrorKind::Unexpected),
    ];
    for (reply, expected) in cases {
        let github = Scripted::start(move |_| reply()).await;
        let app = gateway(&github);
        assert_eq!(kind(app.app().await), expected);
        if expected == PortErrorKind::Rejected {
            let denied = LookupOutcome::Denied(DenialCause::Other);
            assert_eq!(app.installation(installation_id()).await.unwrap(), denied);
            let denied = UninstallOutcome::Denied(DenialCause::Other);
            assert_eq!(app.uninstall(installation_id()).await.unwrap(), denied);
        } else {
            assert_eq!(kind(app.installation(installation_id()).await), expected);
            assert_eq!(kind(app.uninstall(installation_id()).await), expected);
        }
        assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), expected);
        assert_eq!(kind(app.revoke(&token()).await), expected, "a suspended token may become valid again");
        assert_eq!(kind(app.installer(installation_id()).await), expected);
    }
}

/// What a setting of the account causes is an outcome, whatever the call. Only `GET /app` is about the App itself.
#[tokio::test]
async fn a_denied_installation_is_an_outcome_of_each_call_c08() {
    let ip = "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow \
              list enabled, and your IP address is not permitted to access this resource.";
    for (status, message, cause) in [
        (403, ip, DenialCause::IpBlocked),
        (403, "Resource protected by organization SAML enforcement.", DenialCause::SsoRequired),
        (403, "Resource not accessible by integration", DenialCause::PermissionMissing),
        (403, "Your account was suspended", DenialCause::AccountSuspended),
        (451, "Repository access blocked", DenialCause::LegalBlock),
        (403, "Forbidden", DenialCause::Other),
    ] {
        let (logs, _guard) = Logs::capture();
        let github = Scripted::start(move |_| Reply::message(status, message)).await;
        let app = gateway(&github);
        let found = app.installation(installation_id()).await.unwrap();
        assert_eq!(found, LookupOutcome::Denied(cause));
        assert_eq!(app.uninstall(installation_id()).await.unwrap(), UninstallOutcome::Denied(cause));
        let minted = app.mint(installation_id(), &TokenScope::everything()).await.unwrap();
        assert!(matches!(minted, MintOutcome::Denied(denied) if denied == cause), "{minted:?}");
        assert_eq!(app.repositories(&token(), 1).await.unwrap(), ListOutcome::Denied(cause));
        assert_eq!(github.seen().len(), 4);
        let warnings = logs.warnings();
        assert!(warnings.len() == 4 && warnings.iter().all(|line| line.contains(message)), "{warnings:?}");
        let error = app.app().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.credential()),
            (PortErrorKind::Rejected, Some(GithubCredential::App))
        );
    }
}

/// Whose credential each call uses.
#[tokio::test]
async fn each_error_names_the_credential_of_its_call_c07() {
    use GithubCredential as C;
    let github = Scripted::start(|_| Reply::bytes(500, "")).await;
    let app = gateway(&github);
    let of = |error: PortError| error.credential();
    assert_eq!(of(app.app().await.unwrap_err()), Some(C::App));
    assert_eq!(of(app.installation(installation_id()).await.unwrap_err()), Some(C::App));
    assert_eq!(of(app.uninstall(installation_id()).await.unwrap_err()), Some(C::App));
    assert_eq!(of(app.installer(installation_id()).await.unwrap_err()), Some(C::App));
    let minted = app.mint(installation_id(), &TokenScope::everything()).await;
    assert_eq!(of(minted.unwrap_err()), Some(C::App));
    assert_eq!(of(app.repositories(&token(), 1).await.unwrap_err()), Some(C::Installation));
    assert_eq!(of(app.revoke(&token()).await.unwrap_err()), Some(C::Installation));
    let exchange = app.check_visitor(&code(), installation_id()).await.unwrap_err();
    assert_eq!(of(exchange), Some(C::OauthClient));
    let github =
        Scripted::start(usual(|seen| (seen.line == "GET /api/user").then(|| Reply::bytes(500, "")))).await;
    let visitor = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap_err();
    assert_eq!(of(visitor), Some(C::Visitor));
}

#[tokio::test]
async fn an_unsupported_api_version_is_named() {
    let github = Scripted::start(|_| Reply::message(400, "1999-01-01 is not a supported version")).await;
    let error = gateway(&github).app().await.unwrap_err();
    assert!(chain(&error).contains("API version"), "{}", chain(&error));
}

#[tokio::test]
async fn a_redirect_is_not_followed_i18() {
    let elsewhere = Scripted::start(usual(|_| None)).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/api/app", elsewhere.base());
        let github = Scripted::start(move |_| Reply::bytes(status, "").header("location", &location)).await;
        assert_eq!(kind(gateway(&github).app().await), PortErrorKind::Corrupt);
        assert_eq!(
            kind(gateway(&github).check_visitor(&code(), installation_id()).await),
            PortErrorKind::Corrupt
        );
        assert_eq!(kind(gateway(&github).repositories(&token(), 1).await), PortErrorKind::Corrupt);
        assert_eq!(kind(gateway(&github).revoke(&token()).await), PortErrorKind::Corrupt);
        let everything = TokenScope::everything();
        assert_eq!(kind(gateway(&github).mint(installation_id(), &everything).await), PortErrorKind::Corrupt);
        assert_eq!(kind(gateway(&github).installer(installation_id()).await), PortErrorKind::Corrupt);
        assert_eq!(github.seen().len(), 6);
    }
    assert!(elsewhere.seen().is_empty());
}

/// The body of `GET /app`, padded to this length.
fn padded(length: usize) -> Vec<u8> {
    let mut body = serde_json::to_vec(&crate::fixtures::app_body()).unwrap();
    body.resize(length, b' ');
    body
}

#[tokio::test]
async fn a_response_has_at_most_one_mebibyte_l65_i17() {
    let github = Scripted::start(|_| Reply::bytes(200, padded(1 << 20))).await;
    gateway(&github).app().await.unwrap();

    let github = Scripted::start(|_| Reply::bytes(200, padded((1 << 20) + 1))).await;
    let error = gateway(&github).app().await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt);
    assert!(chain(&error).contains("1 MiB"), "{}", chain(&error));
}

#[tokio::test]
async fn a_response_with_repositories_has_at_most_eight_mebibytes_l65_i17() {
    let filled = |body: serde_json::Value, length: usize| {
        let mut body = serde_json::to_vec(&body).unwrap();
        body.resize(length, b' ');
        body
    };
    let everything = TokenScope::everything();
    for (excess, fits) in [(0, true), (1, false)] {
        let length = (8 << 20) + excess;
        let github = Scripted::start(usual(move |seen| {
            match seen.line.split_once('?').unwrap_or((&seen.line, "")).0 {
                MINT => Some(Reply::bytes(201, filled(token_body(OPAQUE), length))),
                "GET /api/installation/repositories" => {
                    let page = serde_json::json!({ "total_count": 1, "repositories": [repository_body(1)] });
                    Some(Reply::bytes(200, filled(page, length)))
                }
                _ => None,
            }
        }))
        .await;
        let app = gateway(&github);
        let minted = app.mint(installation_id(), &everything).await.map(|_| ());
        let listed = app.repositories(&token(), 1).await.map(|_| ());
        for outcome in [minted, listed] {
            assert_eq!(outcome.is_ok(), fits);
            if let Err(error) = outcome {
                assert_eq!(error.kind(), PortErrorKind::Corrupt);
                assert!(chain(&error).contains("8 MiB"), "{}", chain(&error));
            }
        }
    }
    let github = Scripted::start(|_| Reply::bytes(200, padded((1 << 20) + 1))).await;
    assert_eq!(kind(gateway(&github).installer(installation_id()).await), PortErrorKind::Corrupt);
    assert_eq!(kind(gateway(&github).revoke(&token()).await), PortErrorKind::Corrupt);
}

#[tokio::test]
async fn a_server_that_does_not_respond_times_out_i17() {
    let github = Scripted::start(|_| Reply::Never).await;
    let begun = Instant::now();
    assert_eq!(kind(impatient(&github).app().await), PortErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(
        kind(impatient(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Unavailable
    );
    let app = impatient(&github);
    assert_eq!(
        kind(app.mint(installation_id(), &TokenScope::everything()).await),
        PortErrorKind::Unavailable
    );
    assert_eq!(kind(app.repositories(&token_aged(0), 1).await), PortErrorKind::Unavailable);
    assert_eq!(kind(app.revoke(&token()).await), PortErrorKind::Unavailable);
    assert_eq!(kind(app.installer(installation_id()).await), PortErrorKind::Unavailable);
    assert_eq!(github.seen().len(), 6, "a timeout is not retried, not even with a new token");
}

#[tokio::test]
async fn a_response_that_stalls_times_out_i17() {
    let app = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", true).await;
    assert_eq!(kind(app.app().await), PortErrorKind::Unavailable);
    assert_eq!(kind(app.repositories(&token(), 1).await), PortErrorKind::Unavailable);
    assert_eq!(
        kind(app.mint(installation_id(), &TokenScope::everything()).await),
        PortErrorKind::Unavailable
    );
}

#[tokio::test]
async fn a_cut_response_is_unavailable() {
    let app = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", false).await;
    assert_eq!(kind(app.app().await), PortErrorKind::Unavailable);
    let app = raw(b"", false).await;
    assert_eq!(kind(app.app().await), PortErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_is_corrupt() {
    let app = raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", false).await;
    let error = app.app().await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt);
    assert!(chain(&error).contains("not one of GitHub's"), "{}", chain(&error));
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable_and_recovers_i24() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let base = format!("http://{address}");
    let config = GithubAppConfig::new(7_u64.try_into().unwrap(), "acme-dock", PKCS1.into())
        .with_host(GithubHost::at(&base, &base).unwrap());
    let error = GithubApp::new(config).unwrap().app().await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable);
    assert!(chain(&error).contains("Connection refused"), "{}", chain(&error));

    let down = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let switch = Arc::clone(&down);
    let github = Scripted::start(usual(move |_| {
        switch.load(std::sync::atomic::Ordering::Relaxed).then(|| Reply::bytes(503, ""))
    }))
    .await;
    let app = GithubApp::new(crate::fixtures::config(&github)).unwrap();
    assert_eq!(kind(app.installation(installation_id()).await), PortErrorKind::Unavailable);
    down.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(app.installation(installation_id()).await, Ok(LookupOutcome::Found(_))));
}
