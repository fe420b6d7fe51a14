//! Rules of the transport: paths, methods, `Host`, `Authorization`, panics, nesting (`contract.md` §3).

use std::sync::Arc;

use async_trait::async_trait;
use dockline::ports::KeyStore;
use dockline::{KeyId, KeyRecord, PortError};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::world::{CALLBACK, Choice, INSTALL_URL, INSTALLATION, World};

/// Sends bytes as they are and reads the answer until its head and announced body are there.
pub(crate) async fn raw(world: &World, request: &str) -> String {
    let address = world.api.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            body.len() >= length.parse().unwrap()
        });
        if complete {
            return text;
        }
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "cut: {text}");
    }
}

#[tokio::test]
async fn unknown_paths_are_404_before_the_key_is_asked_for() {
    let world = World::start().await;
    for path in ["/", "/v1", "/v1/github", "/v1/github/installation/", "/v1/github/installations", "/v2"] {
        let answer = Answer::of(world.http.get(format!("{}{path}", world.api))).await;
        answer.expect_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn wrong_methods_are_405_and_name_the_right_ones() {
    let world = World::start().await;
    for (path, method, allowed) in [
        (INSTALLATION, "PUT", vec!["DELETE", "GET", "HEAD", "POST"]),
        (INSTALLATION, "PATCH", vec!["DELETE", "GET", "HEAD", "POST"]),
        (INSTALLATION, "OPTIONS", vec!["DELETE", "GET", "HEAD", "POST"]),
        (INSTALL_URL, "POST", vec!["GET", "HEAD"]),
        (CALLBACK, "DELETE", vec!["GET", "HEAD", "POST"]),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = Answer::of(world.http.request(method, format!("{}{path}", world.api))).await;
        let answer = answer.expect_error(405, "METHOD_NOT_ALLOWED");
        let mut got: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        got.sort_unstable();
        assert_eq!(got, allowed, "{path}");
    }
}

#[tokio::test]
async fn there_is_exactly_one_host_and_one_authorization() {
    let world = World::start().await;
    let key = world.acme.key.expose_secret();
    let get = |headers: &str| format!("GET {INSTALLATION} HTTP/1.1\r\n{headers}\r\n");
    let hosts = ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"].map(str::to_owned);
    let malformed = ["", " ", "a b", "u@a", "u:p@a", "a/b", "a:99999", "a:b", ":80", "[::1", "a,b", "\u{e9}"];
    let malformed = malformed.iter().map(|host| format!("Host: {host}\r\n"));
    for headers in hosts.into_iter().chain(malformed) {
        let answer = raw(&world, &get(&format!("{headers}Authorization: Bearer {key}\r\n"))).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("\"BAD_REQUEST\"") && answer.contains("x-request-id: req_"), "{answer}");
    }
    for host in ["a", "A.example:8080", "127.0.0.1", "[::1]:80", "a:"] {
        let answer = raw(&world, &get(&format!("Host: {host}\r\nAuthorization: Bearer {key}\r\n"))).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{host}: {answer}");
    }
    let old = format!("GET {INSTALLATION} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n");
    let answer = raw(&world, &old).await;
    assert!(answer.starts_with("HTTP/1.0 404 "), "{answer}");
    let twice = format!("Host: a\r\nAuthorization: Bearer {key}\r\nAuthorization: Bearer {key}\r\n");
    let answer = raw(&world, &get(&twice)).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

/// A host's store with a bug.
#[derive(Debug)]
struct PanickingKeys;

#[async_trait]
impl KeyStore for PanickingKeys {
    async fn find(&self, _: &KeyId) -> Result<Option<KeyRecord>, PortError> {
        panic!("canary-in-a-panic")
    }
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing_and_cuts_no_connection() {
    let keys: fn(_) -> Arc<dyn KeyStore> = |_| Arc::new(PanickingKeys);
    let world = World::with(Choice { keys, ..Choice::default() }).await;
    for _ in 0..2 {
        let answer = world.get(&world.acme, INSTALLATION).await.expect_error(500, "INTERNAL");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_router_works_under_a_prefix_with_the_same_envelope() {
    let world = World::with(Choice { prefix: "/partners/github-api", ..Choice::default() }).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    world.browser("olga").connect(installation, &state).await;
    world.register(&world.acme, installation, &state).await.expect(201);
    Answer::of(world.http.get(format!("{}/v1/nothing", world.api))).await.expect_error(404, "NOT_FOUND");
    let put = world.http.put(format!("{}{INSTALLATION}", world.api));
    Answer::of(put).await.expect_error(405, "METHOD_NOT_ALLOWED");
}
