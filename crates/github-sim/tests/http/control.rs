//! The control API: a whole scenario without the library.

use crate::support::World;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn call(world: &World, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let request = world.client.request(method, format!("{}{path}", world.running.control));
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    let (status, answer) = call(world, Method::POST, path, Some(body)).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_scenario_is_built_and_changed_over_http() {
    let world = World::new().await;
    let made = [
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
        ("/collaborators", json!({ "owner": "tea", "user": "mia" }), 204),
        ("/default-user", json!({ "login": "ulla" }), 204),
        ("/accounts/tea/rename", json!({ "login": "tisane" }), 204),
    ];
    for (path, body, expected) in made {
        assert_eq!(post(&world, path, body).await.0, expected, "{path}");
    }
    let app = json!({ "slug": "other", "callback_url": "http://127.0.0.1:1/", "permissions": { "members": "read" }, "app_id": 77 });
    let (status, app) = post(&world, "/apps", app).await;
    assert_eq!((status, app["app_id"].as_u64()), (201, Some(77)));
    assert!(app["private_key_pem"].as_str().unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(app["webhook_secret"].as_str().unwrap().len(), 64);
    assert_eq!(call(&world, Method::GET, "/apps/77", None).await.1, app);
    assert_eq!(post(&world, "/apps/77/permissions", json!({ "members": "write" })).await.0, 204);

    let install = json!({ "app_id": 77, "account": "tisane", "sender": "ulla", "id": 50_291_845 });
    assert_eq!(post(&world, "/installations", install.clone()).await, (201, json!({ "id": 50_291_845 })));
    assert_eq!(post(&world, "/installations", install).await.0, 409);
    assert_eq!(post(&world, "/installations/50291845/suspend", json!({ "by": "ulla" })).await.0, 204);
    assert!(world.sim().installation(50_291_845).unwrap().suspended);
    for step in ["unsuspend", "suspend", "accept-permissions", "null-account"] {
        let path = format!("/installations/50291845/{step}");
        assert_eq!(call(&world, Method::POST, &path, None).await.0, 204, "{step}");
    }
    let grant = json!({ "app_id": 77, "user": "ulla" });
    assert!(post(&world, "/codes", grant.clone()).await.1["code"].is_string());
    assert!(post(&world, "/user-tokens", grant).await.1["access_token"].is_string());

    let (_, state) = call(&world, Method::GET, "/state", None).await;
    assert_eq!(state["live_user_tokens"], 1);
    assert_eq!(state["default_user"], "ulla");
    assert_eq!(state["installations"][0]["account_login"], "tisane");
    assert_eq!(call(&world, Method::POST, "/installations/50291845/uninstall", None).await.0, 204);
    assert_eq!(world.sim().installations(), []);
}

#[tokio::test]
async fn faults_clock_and_requests_are_controlled() {
    let world = World::new().await;
    let rule =
        json!({ "fault": { "kind": "status", "code": 503 }, "path_prefix": "/api/v3/app", "remaining": 1 });
    assert_eq!(post(&world, "/faults", rule).await.0, 204);
    assert_eq!(world.as_app("/app").await.0, 503);
    for rule in ["hang", "huge", "drop", "lose_answer", "wrong_json", "garbage", "secondary_rate_limit"] {
        assert_eq!(post(&world, "/faults", json!({ "fault": { "kind": rule } })).await.0, 204, "{rule}");
    }
    assert_eq!(call(&world, Method::DELETE, "/faults", None).await.0, 204);
    assert_eq!(post(&world, "/faults", json!({ "fault": { "kind": "nonsense" } })).await.0, 422);

    let before = world.sim().now();
    assert_eq!(post(&world, "/clock", json!({ "offset": 3600 })).await.0, 204);
    assert_eq!(post(&world, "/clock", json!({ "advance": 60 })).await.0, 204);
    assert!((world.sim().now() - before).whole_seconds() >= 3660);
    assert_eq!(call(&world, Method::GET, "/state", None).await.1["clock"]["offset"], 3660);
    assert_eq!(call(&world, Method::DELETE, "/clock", None).await.0, 204);

    let (_, recorded) = call(&world, Method::GET, "/requests", None).await;
    assert_eq!(recorded, json!({ "requests": [{ "method": "GET", "path": "/api/v3/app" }] }));
    assert_eq!(call(&world, Method::DELETE, "/requests", None).await.0, 204);
    assert_eq!(world.sim().requests(), []);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_reason() {
    let world = World::new().await;
    let cases = [
        ("/users", json!({ "login": "OLGA" }), 409),
        ("/users", json!({ "login": "a b" }), 422),
        ("/users", json!({ "login": "x", "extra": 1 }), 422),
        ("/memberships", json!({ "organization": "olga", "user": "mia", "role": "admin" }), 422),
        ("/default-user", json!({ "login": "nobody" }), 404),
        ("/installations", json!({ "app_id": 1, "account": "olga", "sender": "olga" }), 404),
        ("/installations/1/suspend", json!({}), 404),
        ("/installation-requests/1/approve", json!({ "owner": "olga" }), 404),
        ("/apps", json!({ "slug": "x", "callback_url": "ftp://x" }), 422),
        ("/apps", json!({ "slug": "x", "callback_url": "http://x", "private_key_pem": "rubbish" }), 422),
        ("/nothing", json!({}), 404),
    ];
    for (path, body, expected) in cases {
        assert_eq!(post(&world, path, body.clone()).await.0, expected, "{path} {body}");
    }
    let (_, taken) = post(&world, "/users", json!({ "login": "olga" })).await;
    assert_eq!(taken["error"], "\"olga\" is taken");
}

#[tokio::test]
async fn the_state_holds_no_secrets() {
    use secrecy::ExposeSecret;
    let world = World::new().await;
    let token = world.user_token("olga");
    let state = call(&world, Method::GET, "/state", None).await.1.to_string();
    let debug = format!("{:?} {:?}", world.sim(), world.app);
    for secret in [&world.app.client_secret, &world.app.webhook_secret, &world.app.private_key_pem] {
        assert!(!state.contains(secret.expose_secret()) && !debug.contains(secret.expose_secret()));
    }
    assert!(!state.contains(&token) && !debug.contains(&token));
}
