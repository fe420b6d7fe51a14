//! The control API.

use crate::support::Fixture;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn call(fixture: &Fixture, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let request = fixture.client.request(method, format!("{}{path}", fixture.running.control));
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

async fn post(fixture: &Fixture, path: &str, body: Value) -> (u16, Value) {
    let (status, body) = call(fixture, Method::POST, path, Some(body)).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn control_api_builds_a_scenario() {
    let fixture = Fixture::new().await;
    let steps = [
        ("/users", json!({ "login": "ulla" }), 201),
        ("/organizations", json!({ "login": "tea" }), 201),
        ("/enterprises", json!({ "slug": "acme-inc" }), 201),
        ("/memberships", json!({ "organization": "tea", "user": "ulla", "role": "admin" }), 204),
        (
            "/memberships",
            json!({ "organization": "tea", "user": "mia", "role": "member", "state": "pending" }),
            204,
        ),
        ("/repositories", json!({ "owner": "tea", "name": "leaves", "private": true }), 201),
        (
            "/repositories/tea/leaves/commits",
            json!({ "user": "ulla", "path": "a.md", "content": "text" }),
            201,
        ),
        ("/repositories/tea/none/commits", json!({ "user": "ulla", "path": "a.md", "content": "text" }), 404),
        (
            "/repositories/tea/leaves/commits",
            json!({ "user": "ulla", "path": "a b", "content": "text" }),
            422,
        ),
        ("/collaborators", json!({ "owner": "tea", "user": "mia" }), 204),
        ("/default-user", json!({ "login": "ulla" }), 204),
        ("/accounts/tea/rename", json!({ "login": "tisane" }), 204),
    ];
    for (path, body, expected) in steps {
        assert_eq!(post(&fixture, path, body).await.0, expected, "{path}");
    }
    let app = json!({ "slug": "other", "callback_url": "http://127.0.0.1:1/", "permissions": { "members": "read" }, "app_id": 77 });
    let (status, app) = post(&fixture, "/apps", app).await;
    assert_eq!((status, app["app_id"].as_u64()), (201, Some(77)));
    assert!(app["private_key_pem"].as_str().unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(app["webhook_secret"].as_str().unwrap().len(), 64);
    assert_eq!(call(&fixture, Method::GET, "/apps/77", None).await.1, app);
    assert_eq!(post(&fixture, "/apps/77/permissions", json!({ "members": "write" })).await.0, 204);

    let install = json!({ "app_id": 77, "account": "tisane", "sender": "ulla", "id": 50_291_845 });
    assert_eq!(post(&fixture, "/installations", install.clone()).await, (201, json!({ "id": 50_291_845 })));
    assert_eq!(post(&fixture, "/installations", install).await.0, 409);
    assert_eq!(post(&fixture, "/installations/50291845/suspend", json!({ "by": "ulla" })).await.0, 204);
    assert!(fixture.sim().installation(50_291_845).unwrap().suspended);
    let event = json!({ "event": "push", "payload": { "ref": "refs/heads/main" } });
    assert_eq!(post(&fixture, "/installations/50291845/events", event.clone()).await.0, 204);
    assert_eq!(post(&fixture, "/installations/7/events", event).await.0, 404);
    for step in ["unsuspend", "suspend", "accept-permissions", "null-account"] {
        let path = format!("/installations/50291845/{step}");
        assert_eq!(call(&fixture, Method::POST, &path, None).await.0, 204, "{step}");
    }

    let (_, state) = call(&fixture, Method::GET, "/state", None).await;
    assert_eq!(state["live_user_tokens"], 0);
    assert_eq!(state["default_user"], "ulla");
    assert_eq!(state["installations"][0]["account_login"], "tisane");
    assert_eq!(call(&fixture, Method::POST, "/installations/50291845/uninstall", None).await.0, 204);
    assert_eq!(fixture.sim().installations(), []);
}

#[tokio::test]
async fn control_api_sets_faults_and_clock_and_lists_requests() {
    let fixture = Fixture::new().await;
    let rule =
        json!({ "fault": { "kind": "status", "code": 503 }, "path_prefix": "/api/v3/app", "remaining": 1 });
    assert_eq!(post(&fixture, "/faults", rule).await, (201, json!({ "id": 1 })));
    assert_eq!(fixture.get_as_app("/app").await.0, 503);
    for rule in ["hang", "huge", "drop", "lose_answer", "wrong_json", "garbage", "secondary_rate_limit"] {
        assert_eq!(post(&fixture, "/faults", json!({ "fault": { "kind": rule } })).await.0, 201, "{rule}");
    }
    assert_eq!(call(&fixture, Method::DELETE, "/faults", None).await.0, 204);
    assert_eq!(post(&fixture, "/faults", json!({ "fault": { "kind": "nonsense" } })).await.0, 422);

    let before = fixture.sim().now();
    assert_eq!(post(&fixture, "/clock", json!({ "offset": 3600 })).await.0, 204);
    assert_eq!(post(&fixture, "/clock", json!({ "advance": 60 })).await.0, 204);
    assert!((fixture.sim().now() - before).whole_seconds() >= 3660);
    assert_eq!(call(&fixture, Method::GET, "/state", None).await.1["clock"]["offset"], 3660);

    let (_, recorded) = call(&fixture, Method::GET, "/requests", None).await;
    assert_eq!(recorded, json!({ "requests": [{ "method": "GET", "path": "/api/v3/app" }] }));
    assert_eq!(call(&fixture, Method::DELETE, "/requests", None).await.0, 204);
    assert_eq!(fixture.sim().requests(), []);
}

#[tokio::test]
async fn invalid_control_requests_are_rejected_with_a_reason() {
    let fixture = Fixture::new().await;
    let cases = [
        ("/users", json!({ "login": "OLGA" }), 409),
        ("/users", json!({ "login": "a b" }), 422),
        ("/users", json!({ "login": "x", "extra": 1 }), 422),
        ("/memberships", json!({ "organization": "olga", "user": "mia", "role": "admin" }), 422),
        ("/default-user", json!({ "login": "unknown" }), 404),
        ("/installations", json!({ "app_id": 1, "account": "olga", "sender": "olga" }), 404),
        ("/installations/1/suspend", json!({}), 404),
        ("/installation-requests/1/approve", json!({ "owner": "olga" }), 404),
        ("/apps", json!({ "slug": "x", "callback_url": "ftp://x" }), 422),
        ("/apps", json!({ "slug": "x", "callback_url": "http://x", "private_key_pem": "rubbish" }), 422),
        ("/nothing", json!({}), 404),
    ];
    for (path, body, expected) in cases {
        assert_eq!(post(&fixture, path, body.clone()).await.0, expected, "{path} {body}");
    }
    let (_, taken) = post(&fixture, "/users", json!({ "login": "olga" })).await;
    assert_eq!(taken["error"], "\"olga\" is taken");
}

#[tokio::test]
async fn state_has_no_secrets() {
    use secrecy::ExposeSecret;
    let fixture = Fixture::new().await;
    let token = fixture.user_token("olga").await;
    let state = call(&fixture, Method::GET, "/state", None).await.1.to_string();
    let debug = format!("{:?} {:?}", fixture.sim(), fixture.app);
    for secret in [&fixture.app.client_secret, &fixture.app.webhook_secret, &fixture.app.private_key_pem] {
        assert!(!state.contains(secret.expose_secret()) && !debug.contains(secret.expose_secret()));
    }
    assert!(!state.contains(&token) && !debug.contains(&token));
}
