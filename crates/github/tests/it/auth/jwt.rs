//! The App's JWT as GitHub receives it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use data_encoding::BASE64URL_NOPAD;
use dockline::ports::{Clock, GithubGateway};
use dockline_github::{ApiVersion, GithubApp, Issuer};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::fixtures::{APP, CLIENT_ID, NOW, PKCS1, PKCS8, clock, config, usual};
use crate::scripted::{Scripted, Seen};

/// Verifies the signature with ring; returns the header and the claims.
fn verified(jwt: &str) -> (Value, Value) {
    let PrivateKeyDer::Pkcs1(der) = PrivateKeyDer::from_pem_slice(PKCS1.as_bytes()).unwrap() else {
        panic!("not the key")
    };
    let public = RsaKeyPair::from_der(der.secret_pkcs1_der()).unwrap().public_key().as_ref().to_vec();
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let part =
        |part: &str| serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    (part(header), part(claims))
}

#[tokio::test]
async fn it_is_rs256_with_leeway_before_and_after_l43() {
    let github = Scripted::start(usual(|_| None)).await;
    GithubApp::new(config(&github)).unwrap().app().await.unwrap();

    let (header, claims) = verified(github.seen()[0].bearer());
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT" }));
    assert_eq!(claims, json!({ "iat": NOW - 60, "exp": NOW + 540, "iss": CLIENT_ID }));
}

#[tokio::test]
async fn the_issuer_can_be_the_app_id_and_a_pkcs8_key_signs_like_pkcs1() {
    let github = Scripted::start(usual(|_| None)).await;
    let mut config = config(&github).with_issuer(Issuer::AppId);
    GithubApp::new(config.clone()).unwrap().app().await.unwrap();
    config = dockline_github::GithubAppConfig::from_text(&format!(" {APP}\n"), " acme-dock\n", PKCS8.into())
        .unwrap()
        .with_host(github.host())
        .with_clock(clock())
        .with_issuer(Issuer::AppId);
    GithubApp::new(config).unwrap().app().await.unwrap();

    let jwts: Vec<String> = github.seen().iter().map(|seen| seen.bearer().to_owned()).collect();
    assert_eq!(verified(&jwts[0]).1["iss"], json!(APP.to_string()));
    assert_eq!(jwts[0], jwts[1]);
}

#[tokio::test]
async fn one_signature_serves_eight_minutes() {
    let github = Scripted::start(usual(|_| None)).await;
    let clock = clock();
    let app = GithubApp::new(config(&github).with_clock(Arc::clone(&clock) as _)).unwrap();
    for advance in [0, 479, 1, 479, 1] {
        clock.advance(Duration::seconds(advance));
        app.app().await.unwrap();
    }
    clock.advance(Duration::hours(-1));
    app.app().await.unwrap();

    let dated: Vec<i64> = github
        .seen()
        .iter()
        .map(|seen| verified(seen.bearer()).1["iat"].as_i64().unwrap() + 60 - NOW)
        .collect();
    assert_eq!(dated, [0, 0, 480, 480, 960, 960 - 3600], "L-40: the margin at its edges");
}

/// Advances with each call, so that two signatures never have the same date.
#[derive(Debug)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.fetch_add(1, Ordering::Relaxed)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_calls_share_one_signature() {
    let github = Scripted::start(usual(|_| None)).await;
    let clock = Arc::new(Ticking(AtomicI64::new(NOW)));
    let app = GithubApp::new(config(&github).with_clock(clock)).unwrap();
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.app().await.unwrap() })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(github.seen().iter().map(Seen::bearer).collect::<HashSet<_>>().len(), 1);
    assert_eq!(github.seen().len(), 64);
}

#[tokio::test]
async fn each_request_has_user_agent_media_type_and_api_version() {
    let github = Scripted::start(usual(|_| None)).await;
    GithubApp::new(config(&github)).unwrap().app().await.unwrap();
    let config = config(&github).with_api_version(ApiVersion::V2026_03_10).with_user_agent_suffix("(acme)");
    GithubApp::new(config).unwrap().app().await.unwrap();

    let seen = github.seen();
    assert_eq!(seen[0].header("user-agent"), concat!("dockline/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen[0].header("accept"), "application/vnd.github+json");
    assert_eq!(seen[0].header("x-github-api-version"), "2022-11-28");
    assert_eq!(seen[1].header("user-agent"), concat!("dockline/", env!("CARGO_PKG_VERSION"), " (acme)"));
    assert_eq!(seen[1].header("x-github-api-version"), "2026-03-10");
}
