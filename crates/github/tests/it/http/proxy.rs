//! The proxy to GitHub.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use dockline::ports::GithubGateway;
use dockline::{PortErrorKind, TokenScope, Visibility};
use dockline_github::{GithubApp, GithubHost, HttpsProxy, SecretString};

use crate::connect_proxy::ConnectProxy;
use crate::fixtures::{chain, code, config, facts, installation_id, kind, token, usual};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted};

const CREDENTIALS: &str = "ann:pass-canary w/ord";

/// Nothing listens at this address: a direct connection fails.
const NOWHERE: &str = "127.0.0.1:1";

fn https_proxy(address: impl std::fmt::Display) -> HttpsProxy {
    let url = format!("http://ann:pass-canary%20w%2Ford@{address}");
    HttpsProxy::parse(&SecretString::from(url)).unwrap()
}

/// A GitHub that only the proxy can reach, and a gateway with that proxy.
fn behind(proxy: &ConnectProxy, github: &Scripted) -> GithubApp {
    let host = GithubHost::at(&format!("http://{NOWHERE}"), &format!("http://{NOWHERE}/api")).unwrap();
    GithubApp::new(config(github).with_host(host).with_proxy(https_proxy(proxy.address))).unwrap()
}

fn address(github: &Scripted) -> String {
    github.base().strip_prefix("http://").unwrap().to_owned()
}

#[tokio::test]
async fn every_request_is_sent_through_the_proxy_to_github_alone_i18() {
    let github = Scripted::start(usual(|_| None)).await;
    let proxy = ConnectProxy::leading_to(address(&github), CREDENTIALS);
    let app = behind(&proxy, &github);
    app.app().await.unwrap();
    let seen = facts(app.check_visitor(&code(), installation_id()).await).visibility;
    assert!(matches!(seen, Visibility::Seen(_)), "{seen:?}");
    app.mint(installation_id(), &TokenScope::everything()).await.unwrap();
    app.repositories(&token(), 1).await.unwrap();
    app.revoke(&token()).await.unwrap();
    let targets = proxy.targets();
    assert!(!targets.is_empty() && targets.iter().all(|target| target == NOWHERE), "{targets:?}");
    for seen in github.seen() {
        assert!(seen.line.contains(" /"), "to GitHub, not to the proxy: {}", seen.line);
        assert_eq!(seen.header("host"), NOWHERE);
        assert_eq!(seen.header("proxy-authorization"), "", "GitHub does not get the proxy's credentials");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_through_the_proxy_either_i18() {
    let elsewhere = Scripted::start(usual(|_| None)).await;
    let to = format!("{}/api/app", elsewhere.base());
    let github = Scripted::start(move |_| Reply::message(302, "").header("location", &*to)).await;
    let proxy = ConnectProxy::leading_to(address(&github), CREDENTIALS);
    assert_eq!(kind(behind(&proxy, &github).app().await), PortErrorKind::Corrupt);
    assert_eq!((proxy.targets().len(), elsewhere.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_down_is_named_and_its_password_is_not_i14() {
    let (logs, _guard) = Logs::capture();
    let github = Scripted::start(usual(|_| None)).await;
    let strict = ConnectProxy::leading_to(address(&github), "ann:another");
    let dead_end = ConnectProxy::leading_to(NOWHERE.to_owned(), CREDENTIALS);
    for (proxy, said) in
        [(&strict, "proxy authorization required"), (&dead_end, "tunnel error, unsuccessful")]
    {
        let error = behind(proxy, &github).app().await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unavailable);
        let text = chain(&error);
        assert!(text.contains(said) && text.contains("proxy") && !text.contains("pass-canary"), "{text}");
    }
    let config = config(&github).with_proxy(https_proxy(NOWHERE));
    assert!(!format!("{config:?}").contains("pass-canary"), "{config:?}");
    let error = GithubApp::new(config).unwrap().app().await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unavailable, "never directly: {}", chain(&error));
    assert!(github.seen().is_empty());
    let encoded = data_encoding::BASE64.encode(CREDENTIALS.as_bytes());
    assert!(!logs.text().contains("pass-canary") && !logs.text().contains(&encoded), "{}", logs.text());
}

#[tokio::test]
async fn the_connect_timeout_covers_the_proxy_i17() {
    // Accepts connections by the backlog and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let github = Scripted::start(usual(|_| None)).await;
    let config = config(&github)
        .with_proxy(https_proxy(silent.local_addr().unwrap()))
        .with_connect_timeout(Duration::from_millis(200))
        .with_timeout(Duration::from_secs(60));
    let begun = Instant::now();
    assert_eq!(kind(GithubApp::new(config).unwrap().app().await), PortErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
