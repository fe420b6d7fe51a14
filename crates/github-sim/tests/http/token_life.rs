//! An installation token from its first use to its end.

use std::collections::BTreeMap;

use crate::support::{CALLBACK, World};
use dockline_github_sim::{NewApp, TokenLag};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;

const LIST: &str = "/installation/repositories";

async fn status(world: &World, token: &str) -> u16 {
    world.get(LIST, token).await.0
}

#[tokio::test]
async fn a_token_ends_after_an_hour() {
    let world = World::new().await;
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    world.sim().advance_clock(3590);
    assert_eq!(status(&world, &token).await, 200);
    assert_eq!(world.sim().live_installation_tokens(), 1);
    world.sim().advance_clock(10);
    let (status, body) = world.get(LIST, &token).await;
    assert_eq!((status, body["message"].as_str()), (401, Some("Bad credentials")));
    assert_eq!(world.sim().live_installation_tokens(), 0);
}

#[tokio::test]
async fn a_revoked_token_is_401_and_only_that_one() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let (one, other) =
        (world.token(installation, &json!({})).await, world.token(installation, &json!({})).await);
    assert_eq!(world.send(Method::DELETE, "/installation/token", &one).await.status(), 204);
    assert_eq!(world.send(Method::DELETE, "/installation/token", &one).await.status(), 401);
    assert_eq!((status(&world, &one).await, status(&world, &other).await), (401, 200));
    assert_eq!(world.sim().revoke_installation_tokens(installation).unwrap(), 1);
    assert_eq!(status(&world, &other).await, 401);
}

#[tokio::test]
async fn suspending_answers_403_and_uninstalling_401() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let token = world.token(installation, &json!({})).await;
    world.sim().suspend(installation, Some("olga")).unwrap();
    let (code, body) = world.get(LIST, &token).await;
    assert_eq!((code, body["message"].as_str()), (403, Some("This installation has been suspended")));
    world.sim().unsuspend(installation).unwrap();
    assert_eq!(status(&world, &token).await, 200);
    world.sim().uninstall(installation).unwrap();
    assert_eq!(status(&world, &token).await, 401);
    world.install("acme-coffee");
    assert_eq!(status(&world, &token).await, 401, "a new installation does not revive it");
}

/// GitHub fact 21.
#[tokio::test]
async fn a_fresh_token_may_be_unknown_at_first() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let old = world.token(installation, &json!({})).await;
    world.sim().set_token_lag(Some(TokenLag::Uses(2)));
    let token = world.token(installation, &json!({})).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(status(&world, &token).await);
    }
    assert_eq!(statuses, [401, 401, 200, 200]);
    assert_eq!(status(&world, &old).await, 200, "only fresh ones");

    world.sim().set_token_lag(Some(TokenLag::Seconds(300)));
    let token = world.token(installation, &json!({})).await;
    assert_eq!(status(&world, &token).await, 401);
    world.sim().advance_clock(300);
    assert_eq!(status(&world, &token).await, 200);
    world.sim().set_token_lag(None);
    assert_eq!(status(&world, &world.token(installation, &json!({})).await).await, 200);
}

#[tokio::test]
async fn a_token_loses_what_its_installation_loses_and_gains_nothing() {
    let world = World::with(NewApp::new("wide", CALLBACK)).await;
    let installation = world.install("acme-coffee");
    let narrow = world.token(installation, &json!({ "permissions": { "members": "read" } })).await;
    let whole = world.sim().issue_installation_token(installation).unwrap().expose_secret().to_owned();
    assert_eq!((status(&world, &narrow).await, status(&world, &whole).await), (200, 200));
    let only = |name: &str| BTreeMap::from([(name.to_owned(), "read".to_owned())]);
    world.sim().set_app_permissions(world.app.app_id, only("members")).unwrap();
    world.sim().accept_permissions(installation).unwrap();
    let refused = world.send(Method::GET, LIST, &whole).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-accepted-github-permissions"], "metadata=read");
    let late = world.token(installation, &json!({})).await;
    world.sim().set_app_permissions(world.app.app_id, only("metadata")).unwrap();
    world.sim().accept_permissions(installation).unwrap();
    assert_eq!((status(&world, &late).await, status(&world, &whole).await), (403, 200));
}

#[tokio::test]
async fn other_credentials_are_refused() {
    let world = World::new().await;
    world.install("acme-coffee");
    for (token, expected) in [("ghs_0123456789abcdefABCDEF0123456789abcd", 401), (&world.jwt(), 401)] {
        assert_eq!(status(&world, token).await, expected);
    }
    let (code, body) = world.get(LIST, &world.user_token("olga")).await;
    assert_eq!(code, 403);
    assert!(body["message"].as_str().unwrap().starts_with("You must authenticate with an installation"));
    let token = world.sim().issue_installation_token(world.sim().installations()[0].id).unwrap();
    let (code, body) = world.get("/user", token.expose_secret()).await;
    assert_eq!((code, &body["message"]), (403, &json!("Resource not accessible by integration")));
    let anonymous = world.client.get(format!("{}{LIST}", world.running.api)).send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
}

#[tokio::test]
async fn the_control_api_rules_tokens_and_tells_none() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let post = async |path: &str, body: serde_json::Value| {
        let url = format!("{}{path}", world.running.control);
        crate::support::answer(world.client.post(url).json(&body).send().await.unwrap()).await
    };
    assert_eq!(post("/token-format", json!({ "format": "opaque" })).await.0, 204);
    let (created, body) = post("/installation-tokens", json!({ "installation_id": installation })).await;
    let token = body["token"].as_str().unwrap().to_owned();
    assert_eq!((created, token.len(), status(&world, &token).await), (201, 40, 200));
    let state = world.client.get(format!("{}/state", world.running.control)).send().await.unwrap();
    let state = state.text().await.unwrap();
    assert!(state.contains("\"live_installation_tokens\":1") && !state.contains(&token));
    assert!(!format!("{:?}", world.sim()).contains(&token));
    let revoke = format!("/installations/{installation}/revoke-tokens");
    assert_eq!(post(&revoke, json!(null)).await, (200, json!({ "revoked": 1 })));
    assert_eq!(status(&world, &token).await, 401);
    for (lag, expected) in [(json!({ "uses": 1 }), 401), (json!({ "seconds": 100 }), 401), (json!(null), 200)]
    {
        assert_eq!(post("/token-lag", lag.clone()).await.0, 204, "{lag}");
        let token = world.token(installation, &json!({})).await;
        assert_eq!(status(&world, &token).await, expected, "{lag}");
    }
    assert_eq!(post("/installation-tokens", json!({ "installation_id": 1 })).await.0, 404);
    assert_eq!(post("/token-format", json!({ "format": "new" })).await.0, 422);
}
