//! Validity of installation tokens.

use std::collections::BTreeMap;

use crate::support::{CALLBACK, Fixture};
use dockline_github_sim::{NewApp, TokenLag};
use reqwest::Method;
use serde_json::json;

const LIST: &str = "/installation/repositories";

async fn status(fixture: &Fixture, token: &str) -> u16 {
    fixture.get(LIST, token).await.0
}

#[tokio::test]
async fn installation_token_expires_after_an_hour() {
    let fixture = Fixture::new().await;
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    fixture.sim().advance_clock(3590);
    assert_eq!(status(&fixture, &token).await, 200);
    assert_eq!(fixture.sim().live_installation_tokens(), 1);
    fixture.sim().advance_clock(10);
    let (status, body) = fixture.get(LIST, &token).await;
    assert_eq!((status, body["message"].as_str()), (401, Some("Bad credentials")));
    assert_eq!(fixture.sim().live_installation_tokens(), 0);
}

#[tokio::test]
async fn revoking_a_token_leaves_the_others() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let (one, other) =
        (fixture.token(installation, &json!({})).await, fixture.token(installation, &json!({})).await);
    assert_eq!(fixture.send(Method::DELETE, "/installation/token", &one).await.status(), 204);
    assert_eq!(fixture.send(Method::DELETE, "/installation/token", &one).await.status(), 401);
    assert_eq!((status(&fixture, &one).await, status(&fixture, &other).await), (401, 200));
    assert_eq!(fixture.sim().revoke_installation_tokens(installation).unwrap(), 1);
    assert_eq!(status(&fixture, &other).await, 401);
}

#[tokio::test]
async fn token_is_403_while_suspended_and_401_after_uninstalling() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let token = fixture.token(installation, &json!({})).await;
    fixture.sim().suspend(installation, Some("olga")).unwrap();
    let (code, body) = fixture.get(LIST, &token).await;
    assert_eq!((code, body["message"].as_str()), (403, Some("This installation has been suspended")));
    fixture.sim().unsuspend(installation).unwrap();
    assert_eq!(status(&fixture, &token).await, 200);
    fixture.sim().uninstall(installation).unwrap();
    assert_eq!(status(&fixture, &token).await, 401);
    fixture.install("acme-coffee");
    assert_eq!(status(&fixture, &token).await, 401, "a new installation does not make it valid");
}

#[tokio::test]
async fn token_lag_answers_401_at_first() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let old = fixture.token(installation, &json!({})).await;
    fixture.sim().set_token_lag(Some(TokenLag::Uses(2)));
    let token = fixture.token(installation, &json!({})).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(status(&fixture, &token).await);
    }
    assert_eq!(statuses, [401, 401, 200, 200]);
    assert_eq!(status(&fixture, &old).await, 200, "earlier tokens are not affected");

    fixture.sim().set_token_lag(Some(TokenLag::Seconds(300)));
    let token = fixture.token(installation, &json!({})).await;
    assert_eq!(status(&fixture, &token).await, 401);
    fixture.sim().advance_clock(300);
    assert_eq!(status(&fixture, &token).await, 200);
    fixture.sim().set_token_lag(None);
    assert_eq!(status(&fixture, &fixture.token(installation, &json!({})).await).await, 200);
}

#[tokio::test]
async fn token_loses_permissions_of_its_installation_and_gains_none() {
    let fixture = Fixture::with(NewApp::new("wide", CALLBACK)).await;
    let installation = fixture.install("acme-coffee");
    let narrow = fixture.token(installation, &json!({ "permissions": { "members": "read" } })).await;
    let whole = fixture.token(installation, &json!({})).await;
    assert_eq!((status(&fixture, &narrow).await, status(&fixture, &whole).await), (200, 200));
    let only = |name: &str| BTreeMap::from([(name.to_owned(), "read".to_owned())]);
    fixture.sim().set_app_permissions(fixture.app.app_id, only("members")).unwrap();
    fixture.sim().accept_permissions(installation).unwrap();
    let refused = fixture.send(Method::GET, LIST, &whole).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-accepted-github-permissions"], "metadata=read");
    let late = fixture.token(installation, &json!({})).await;
    fixture.sim().set_app_permissions(fixture.app.app_id, only("metadata")).unwrap();
    fixture.sim().accept_permissions(installation).unwrap();
    assert_eq!((status(&fixture, &late).await, status(&fixture, &whole).await), (403, 200));
}

#[tokio::test]
async fn other_credentials_are_rejected() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    for (token, expected) in [("ghs_0123456789abcdefABCDEF0123456789abcd", 401), (&fixture.jwt(), 401)] {
        assert_eq!(status(&fixture, token).await, expected);
    }
    let (code, body) = fixture.get(LIST, &fixture.user_token("olga").await).await;
    assert_eq!(code, 403);
    assert!(body["message"].as_str().unwrap().starts_with("You must authenticate with an installation"));
    let token = fixture.token(fixture.sim().installations()[0].id, &json!({})).await;
    let (code, body) = fixture.get("/user", &token).await;
    assert_eq!((code, &body["message"]), (403, &json!("Resource not accessible by integration")));
    let anonymous = fixture.client.get(format!("{}{LIST}", fixture.running.api)).send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
}

#[tokio::test]
async fn control_api_sets_format_and_lag_and_revokes_tokens() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let post = async |path: &str, body: serde_json::Value| {
        let url = format!("{}{path}", fixture.running.control);
        crate::support::status_and_body(fixture.client.post(url).json(&body).send().await.unwrap()).await
    };
    assert_eq!(post("/token-format", json!({ "format": "opaque" })).await.0, 204);
    let token = fixture.token(installation, &json!({})).await;
    assert_eq!((token.len(), status(&fixture, &token).await), (40, 200));
    let state = fixture.client.get(format!("{}/state", fixture.running.control)).send().await.unwrap();
    let state = state.text().await.unwrap();
    assert!(state.contains("\"live_installation_tokens\":1") && !state.contains(&token));
    assert!(!format!("{:?}", fixture.sim()).contains(&token));
    let revoke = format!("/installations/{installation}/revoke-tokens");
    assert_eq!(post(&revoke, json!(null)).await, (200, json!({ "revoked": 1 })));
    assert_eq!(status(&fixture, &token).await, 401);
    for (lag, expected) in [(json!({ "uses": 1 }), 401), (json!({ "seconds": 100 }), 401), (json!(null), 200)]
    {
        assert_eq!(post("/token-lag", lag.clone()).await.0, 204, "{lag}");
        let token = fixture.token(installation, &json!({})).await;
        assert_eq!(status(&fixture, &token).await, expected, "{lag}");
    }
    assert_eq!(post("/installations/1/revoke-tokens", json!(null)).await.0, 404);
    assert_eq!(post("/token-format", json!({ "format": "new" })).await.0, 422);
}
