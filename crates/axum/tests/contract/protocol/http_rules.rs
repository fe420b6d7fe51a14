//! Rules of the transport: paths, methods, `Host`, `Authorization`, panics, nesting.

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError};
use secrecy::ExposeSecret;

use crate::fixture::{CALLBACK, Fixture, INSTALL_URL, INSTALLATION, Setup};
use crate::response::Response;
use crate::sockets::raw;

#[tokio::test]
async fn unknown_paths_are_404_before_authentication() {
    let fixture = Fixture::start().await;
    for path in ["/", "/v1", "/v1/github", "/v1/github/installation/", "/v1/github/installations", "/v2"] {
        let answer = Response::of(fixture.http.get(format!("{}{path}", fixture.api))).await;
        answer.expect_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn wrong_methods_are_405_with_allow() {
    let fixture = Fixture::start().await;
    for (path, method, allowed) in [
        (INSTALLATION, "PUT", vec!["DELETE", "GET", "HEAD", "POST"]),
        (INSTALLATION, "PATCH", vec!["DELETE", "GET", "HEAD", "POST"]),
        (INSTALLATION, "OPTIONS", vec!["DELETE", "GET", "HEAD", "POST"]),
        (INSTALL_URL, "POST", vec!["GET", "HEAD"]),
        (CALLBACK, "DELETE", vec!["GET", "HEAD", "POST"]),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = Response::of(fixture.http.request(method, format!("{}{path}", fixture.api))).await;
        let answer = answer.expect_error(405, "METHOD_NOT_ALLOWED");
        let mut got: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        got.sort_unstable();
        assert_eq!(got, allowed, "{path}");
    }
}

#[tokio::test]
async fn there_is_exactly_one_host_and_one_authorization() {
    let fixture = Fixture::start().await;
    let key = fixture.acme.key.expose_secret();
    let get = |headers: &str| format!("GET {INSTALLATION} HTTP/1.1\r\n{headers}\r\n");
    let hosts = ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"].map(str::to_owned);
    let malformed = ["", " ", "a b", "u@a", "u:p@a", "a/b", "a:99999", "a:b", ":80", "[::1", "a,b", "\u{e9}"];
    let malformed = malformed.iter().map(|host| format!("Host: {host}\r\n"));
    for headers in hosts.into_iter().chain(malformed) {
        let answer = raw(&fixture, &get(&format!("{headers}Authorization: Bearer {key}\r\n"))).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("\"BAD_REQUEST\"") && answer.contains("x-request-id: req_"), "{answer}");
    }
    for host in ["a", "A.example:8080", "127.0.0.1", "[::1]:80", "a:"] {
        let answer = raw(&fixture, &get(&format!("Host: {host}\r\nAuthorization: Bearer {key}\r\n"))).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{host}: {answer}");
    }
    let old = format!("GET {INSTALLATION} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n");
    let answer = raw(&fixture, &old).await;
    assert!(answer.starts_with("HTTP/1.0 404 "), "{answer}");
    let twice = format!("Host: a\r\nAuthorization: Bearer {key}\r\nAuthorization: Bearer {key}\r\n");
    let answer = raw(&fixture, &get(&twice)).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

/// A store that panics.
#[derive(Debug)]
struct PanickingKeys;

#[async_trait]
impl KeyStore for PanickingKeys {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        panic!("canary-in-a-panic")
    }
}

#[tokio::test]
async fn a_panic_is_a_500_that_hides_the_cause_and_keeps_the_connection() {
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(PanickingKeys);
    let fixture = Fixture::with(Setup { keys, ..Setup::default() }).await;
    for _ in 0..2 {
        let answer = fixture.get(&fixture.acme, INSTALLATION).await.expect_error(500, "INTERNAL");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_router_works_under_a_prefix_with_the_same_envelope() {
    let fixture = Fixture::with(Setup { prefix: "/partners/github-api", ..Setup::default() }).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(installation, &state).await;
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
    Response::of(fixture.http.get(format!("{}/v1/nothing", fixture.api)))
        .await
        .expect_error(404, "NOT_FOUND");
    let put = fixture.http.put(format!("{}{INSTALLATION}", fixture.api));
    Response::of(put).await.expect_error(405, "METHOD_NOT_ALLOWED");
}
