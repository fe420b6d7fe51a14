//! Exchanging a visitor's code.

use dockline::ports::{CodeGrant, GithubGateway, VisitorCheck};
use dockline::{AppId, CodeVerifier, PortErrorKind};
use dockline_github::{GithubApp, GithubAppConfig};
use serde_json::json;

use super::visitor::{EXCHANGE, responding};
use crate::fixtures::{APP, PKCS1, chain, code, gateway, installation_id, kind, usual};
use crate::scripted::{Reply, Scripted};

#[tokio::test]
async fn the_exchange_sends_the_redirect_uri_and_the_verifier_of_the_web_flow_c27() {
    let github = Scripted::start(usual(|_| None)).await;
    let grant = CodeGrant {
        redirect_uri: Some("https://api.example.com/v1/callback?x=1".to_owned()),
        verifier: Some(CodeVerifier::presented("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
        ..code()
    };
    gateway(&github).check_visitor(&grant, installation_id()).await.unwrap();
    gateway(&github).visitor_installations(&grant).await.unwrap();
    let exchanges: Vec<_> = github.seen().into_iter().filter(|seen| seen.line == EXCHANGE).collect();
    assert_eq!(exchanges.len(), 2);
    for exchange in exchanges {
        assert!(
            exchange.body.ends_with(
                "&code=code-canary&redirect_uri=https%3A%2F%2Fapi.example.com%2Fv1%2Fcallback%3Fx%3D1\
                 &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
            ),
            "{}",
            exchange.body
        );
    }
}

#[tokio::test]
async fn a_refused_code_is_a_value_and_nothing_is_revoked() {
    for error in ["bad_verification_code", "unverified_user_email"] {
        let github = responding(EXCHANGE, move |_| Reply::json(200, &json!({ "error": error }))).await;
        let outcome = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap();
        assert_eq!(outcome, VisitorCheck::CodeRefused, "{error}");
        assert_eq!(github.lines(), [EXCHANGE]);
    }
}

#[tokio::test]
async fn a_refused_oauth_client_is_rejected_with_githubs_error() {
    for error in ["incorrect_client_credentials", "redirect_uri_mismatch", "application_suspended"] {
        let github = responding(EXCHANGE, move |_| Reply::json(200, &json!({ "error": error }))).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap_err();
        assert_eq!(failure.kind(), PortErrorKind::Rejected, "{error}");
        assert!(chain(&failure).contains(error), "{}", chain(&failure));
    }
    for status in [401, 404] {
        let github = responding(EXCHANGE, move |_| Reply::bytes(status, "")).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await;
        assert_eq!(kind(failure), PortErrorKind::Rejected, "{status}");
    }
    let github = responding(EXCHANGE, |_| Reply::json(200, &json!({ "error": "news" }))).await;
    assert_eq!(
        kind(gateway(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Unexpected
    );
}

#[tokio::test]
async fn a_missing_or_invalid_token_is_corrupt() {
    for body in [
        json!({}),
        json!({ "access_token": null }),
        json!({ "access_token": "" }),
        json!({ "access_token": 7 }),
        json!({ "access_token": ["ghu_tokencanary"] }),
        json!({ "access_token": "two\nlines" }),
        json!("ghu_tokencanary"),
    ] {
        let shown = body.to_string();
        let github = responding(EXCHANGE, move |_| Reply::json(200, &body)).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await;
        assert_eq!(kind(failure), PortErrorKind::Corrupt, "{shown}");
    }
    let github = responding(EXCHANGE, |_| Reply::bytes(200, "access_token=ghu_tokencanary&scope=")).await;
    assert_eq!(
        kind(gateway(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Corrupt
    );
}

#[tokio::test]
async fn without_an_oauth_client_a_code_is_an_error_l07() {
    let github = Scripted::start(usual(|_| None)).await;
    let config =
        GithubAppConfig::new(AppId::new(APP).unwrap(), "acme-dock", PKCS1.into()).with_host(github.host());
    let app = GithubApp::new(config).unwrap();
    assert!(!app.registration().has_oauth_client());
    assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), PortErrorKind::Rejected);
    assert!(github.seen().is_empty());
}
