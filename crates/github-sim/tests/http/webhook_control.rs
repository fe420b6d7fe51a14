//! Webhooks and account changes by the control API, without the library.

use crate::receiver::Receiver;
use crate::support::World;
use reqwest::Method;
use serde_json::{Value, json};

async fn call(world: &World, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = world.client.request(method, format!("{}{path}", world.running.control));
    let request = body.into_iter().fold(request, |request, body| request.json(&body));
    crate::support::answer(request.send().await.unwrap()).await
}

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    call(world, Method::POST, path, Some(body)).await
}

async fn deliveries(world: &World) -> Vec<Value> {
    let (status, body) = call(world, Method::GET, "/deliveries", None).await;
    assert_eq!(status, 200);
    body["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_app_with_a_webhook_is_registered_and_changed() {
    let world = World::new().await;
    let receiver = Receiver::new().await;
    let app = json!({ "slug": "other", "callback_url": "http://127.0.0.1:1/", "app_id": 77,
        "webhook_url": receiver.url, "webhook_secret": "s", "webhook_content_type": "form", "webhook_active": false });
    let (status, app) = post(&world, "/apps", app).await;
    assert_eq!((status, app["webhook_secret"].as_str()), (201, Some("s")));
    assert_eq!(deliveries(&world).await.len(), 0, "it is not active");
    let (_, state) = call(&world, Method::GET, "/state", None).await;
    let hook = &state["apps"][0]["webhook"];
    assert_eq!(hook, &json!({ "url": receiver.url, "content_type": "form", "active": false }));
    assert!(!state.to_string().contains("secret"), "{state}");

    let change = json!({ "url": receiver.url, "secret": "t", "content_type": "json", "active": true });
    assert_eq!(post(&world, "/apps/77/webhook", change).await.0, 204);
    assert_eq!(call(&world, Method::POST, "/apps/77/ping", None).await.0, 204);
    assert_eq!(call(&world, Method::POST, "/deliveries/settle", None).await.0, 204);
    assert_eq!(receiver.whats(), ["ping", "ping"]);
    assert_eq!(post(&world, "/apps/77/webhook", json!({ "url": null })).await.0, 204);
    call(&world, Method::POST, "/apps/77/ping", None).await;
    assert_eq!(deliveries(&world).await.len(), 2);
    for (path, body, expected) in [
        ("/apps/78/webhook", json!({ "active": true }), 404),
        ("/apps/78/ping", json!({}), 404),
        ("/apps/77/webhook", json!({ "url": "ftp://x" }), 422),
        ("/apps/77/webhook", json!({ "content_type": "xml" }), 422),
        ("/deliveries/1/deliver", json!({}), 404),
        ("/deliveries/1/redeliver", json!({}), 404),
        ("/delivery-mode", json!({ "mode": "nonsense" }), 422),
        ("/delivery-mode", json!({ "mode": "late" }), 422),
        ("/repositories/1/transfer", json!({ "to": "olga" }), 422),
        ("/users/nobody/refuse-authorization", json!({ "refuse": true }), 404),
    ] {
        assert_eq!(post(&world, path, body.clone()).await.0, expected, "{path} {body}");
    }
}

#[tokio::test]
async fn modes_are_set_and_deliveries_sent_by_hand() {
    let world = World::new().await;
    let receiver = Receiver::new().await;
    let path = format!("/apps/{}/webhook", world.app.app_id);
    for mode in ["automatic", "doubled", "dropped", "held"] {
        assert_eq!(post(&world, "/delivery-mode", json!({ "mode": mode })).await.0, 204, "{mode}");
        assert_eq!(
            call(&world, Method::GET, "/state", None).await.1["delivery_mode"],
            json!({ "mode": mode })
        );
    }
    assert_eq!(post(&world, &path, json!({ "url": receiver.url })).await.0, 204);
    assert_eq!(post(&world, "/webhook-shape", json!({ "old": true })).await.0, 204);
    world.install("acme-coffee");
    call(&world, Method::POST, "/deliveries/settle", None).await;
    assert_eq!(receiver.arrived().len(), 0);
    let [ping, created] = &deliveries(&world).await[..] else { panic!("two deliveries") };
    assert_eq!(
        (&ping["event"], &created["action"], &created["outcome"]),
        (&json!("ping"), &json!("created"), &Value::Null)
    );
    let (status, sent) =
        call(&world, Method::POST, &format!("/deliveries/{}/deliver", created["id"]), None).await;
    assert_eq!((status, &sent["posts"], &sent["outcome"]["status_code"]), (200, &json!(1), &json!(204)));
    let arrived = &receiver.arrived()[0];
    assert_eq!(sent["body"].as_str().unwrap().as_bytes(), &arrived.body[..]);
    assert_eq!(sent["headers"]["X-Hub-Signature-256"], arrived.header("x-hub-signature-256"));
    assert!(arrived.payload()["installation"]["created_at"].is_i64());

    assert_eq!(post(&world, "/delivery-mode", json!({ "mode": "shuffled", "seed": 5 })).await.0, 204);
    let (status, again) =
        call(&world, Method::POST, &format!("/deliveries/{}/redeliver", created["id"]), None).await;
    assert_eq!(status, 201);
    assert_eq!(deliveries(&world).await[2]["id"], again["id"]);
    assert_eq!(receiver.arrived().len(), 1);
    assert_eq!(call(&world, Method::POST, "/deliveries/release", None).await.0, 204);
    call(&world, Method::POST, "/deliveries/settle", None).await;
    assert_eq!(receiver.arrived().len(), 2);
    assert_eq!(post(&world, "/delivery-mode", json!({ "mode": "late", "seconds": 60 })).await.0, 204);
    assert_eq!(call(&world, Method::DELETE, "/deliveries", None).await.0, 204);
    assert_eq!(deliveries(&world).await.len(), 0);
}

#[tokio::test]
async fn accounts_and_authorizations_are_changed() {
    let world = World::new().await;
    let sim = world.sim();
    let receiver = Receiver::new().await;
    sim.set_webhook_url(world.app.app_id, Some(&receiver.url)).unwrap();
    let beans = sim.add_repository("acme-coffee", "beans", true).unwrap();
    let id = world.install("acme-coffee");
    world.user_token("mia");
    let transfer = format!("/repositories/{beans}/transfer");
    assert_eq!(post(&world, &transfer, json!({ "to": "nobody" })).await.0, 404);
    assert_eq!(post(&world, &transfer, json!({ "to": "olga" })).await.0, 204);
    let grant = json!({ "app_id": world.app.app_id, "user": "mia" });
    assert_eq!(call(&world, Method::DELETE, "/authorizations", Some(grant.clone())).await.0, 204);
    assert_eq!(call(&world, Method::DELETE, "/authorizations", Some(grant)).await.0, 422);
    assert_eq!(post(&world, "/users/mia/refuse-authorization", json!({ "refuse": true })).await.0, 204);
    let uninstall = format!("/installations/{id}/uninstall");
    assert_eq!(post(&world, &uninstall, json!({ "by": "mia" })).await.0, 204);
    assert_eq!(call(&world, Method::POST, &uninstall, None).await.0, 404);
    sim.settled().await;
    let expected = [
        "ping",
        "installation.created",
        "installation_repositories.removed",
        "github_app_authorization.revoked",
        "installation.deleted",
    ];
    assert_eq!(receiver.whats(), expected);
    assert_eq!(receiver.arrived()[4].payload()["sender"]["login"], "mia");
}
