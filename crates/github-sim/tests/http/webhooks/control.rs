//! Webhooks and authorizations in the control API.

use crate::support::Fixture;
use crate::webhooks::receiver::Receiver;
use reqwest::Method;
use serde_json::{Value, json};

async fn call(fixture: &Fixture, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = fixture.client.request(method, format!("{}{path}", fixture.running.control));
    let request = body.into_iter().fold(request, |request, body| request.json(&body));
    crate::support::status_and_body(request.send().await.unwrap()).await
}

async fn post(fixture: &Fixture, path: &str, body: Value) -> (u16, Value) {
    call(fixture, Method::POST, path, Some(body)).await
}

async fn deliveries(fixture: &Fixture) -> Vec<Value> {
    let (status, body) = call(fixture, Method::GET, "/deliveries", None).await;
    assert_eq!(status, 200);
    body["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn control_api_changes_the_webhook() {
    let fixture = Fixture::new().await;
    let receiver = Receiver::new().await;
    let app = json!({ "slug": "other", "callback_url": "http://127.0.0.1:1/", "app_id": 77,
        "webhook_url": receiver.url, "webhook_secret": "s", "webhook_content_type": "form" });
    let (status, app) = post(&fixture, "/apps", app).await;
    assert_eq!((status, app["webhook_secret"].as_str()), (201, Some("s")));
    assert_eq!(deliveries(&fixture).await.len(), 1, "a ping");
    let (_, state) = call(&fixture, Method::GET, "/state", None).await;
    let hook = &state["apps"][0]["webhook"];
    assert_eq!(hook, &json!({ "url": receiver.url, "content_type": "form" }));
    assert!(!state.to_string().contains("secret"), "{state}");

    let change = json!({ "url": receiver.url, "secret": "t", "content_type": "json" });
    assert_eq!(post(&fixture, "/apps/77/webhook", change).await.0, 204);
    assert_eq!(call(&fixture, Method::POST, "/apps/77/ping", None).await.0, 204);
    assert_eq!(call(&fixture, Method::POST, "/deliveries/settle", None).await.0, 204);
    let content_types: Vec<_> =
        receiver.received().iter().map(|received| received.header("content-type").to_owned()).collect();
    assert_eq!(content_types, ["application/x-www-form-urlencoded", "application/json", "application/json"]);
    assert_eq!(post(&fixture, "/apps/77/webhook", json!({ "url": null })).await.0, 204);
    call(&fixture, Method::POST, "/apps/77/ping", None).await;
    assert_eq!(deliveries(&fixture).await.len(), 3, "no delivery without a URL");
    for (path, body, expected) in [
        ("/apps/78/webhook", json!({ "secret": "t" }), 404),
        ("/apps/78/ping", json!({}), 404),
        ("/apps/77/webhook", json!({ "url": "ftp://x" }), 422),
        ("/apps/77/webhook", json!({ "content_type": "xml" }), 422),
        ("/deliveries/1/deliver", json!({}), 404),
        ("/delivery-mode", json!({ "mode": "nonsense" }), 422),
        ("/delivery-mode", json!({ "mode": "late" }), 422),
        ("/users/unknown/refuse-authorization", json!({ "refuse": true }), 404),
    ] {
        assert_eq!(post(&fixture, path, body.clone()).await.0, expected, "{path} {body}");
    }
}

#[tokio::test]
async fn control_api_sets_modes_and_sends_deliveries() {
    let fixture = Fixture::new().await;
    let receiver = Receiver::new().await;
    let path = format!("/apps/{}/webhook", fixture.app.app_id);
    for mode in ["automatic", "doubled", "dropped", "held"] {
        assert_eq!(post(&fixture, "/delivery-mode", json!({ "mode": mode })).await.0, 204, "{mode}");
        assert_eq!(
            call(&fixture, Method::GET, "/state", None).await.1["delivery_mode"],
            json!({ "mode": mode })
        );
    }
    assert_eq!(post(&fixture, &path, json!({ "url": receiver.url })).await.0, 204);
    fixture.install("acme-coffee");
    call(&fixture, Method::POST, "/deliveries/settle", None).await;
    assert_eq!(receiver.received().len(), 0);
    let [ping, created] = &deliveries(&fixture).await[..] else { panic!("two deliveries") };
    assert_eq!(
        (&ping["event"], &created["action"], &created["outcome"]),
        (&json!("ping"), &json!("created"), &Value::Null)
    );
    let (status, sent) =
        call(&fixture, Method::POST, &format!("/deliveries/{}/deliver", created["id"]), None).await;
    assert_eq!((status, &sent["posts"], &sent["outcome"]["status_code"]), (200, &json!(1), &json!(204)));
    let received = &receiver.received()[0];
    assert_eq!(sent["body"].as_str().unwrap().as_bytes(), &received.body[..]);
    assert_eq!(sent["headers"]["X-Hub-Signature-256"], received.header("x-hub-signature-256"));

    assert_eq!(post(&fixture, "/delivery-mode", json!({ "mode": "shuffled", "seed": 5 })).await.0, 204);
    assert_eq!(post(&fixture, &format!("/apps/{}/ping", fixture.app.app_id), json!({})).await.0, 204);
    assert_eq!(receiver.received().len(), 1);
    call(&fixture, Method::POST, "/deliveries/settle", None).await;
    assert_eq!(receiver.received().len(), 2);
    assert_eq!(post(&fixture, "/delivery-mode", json!({ "mode": "late", "seconds": 60 })).await.0, 204);
    assert_eq!(call(&fixture, Method::DELETE, "/deliveries", None).await.0, 204);
    assert_eq!(deliveries(&fixture).await.len(), 0);
}

#[tokio::test]
async fn control_api_revokes_authorizations_and_uninstalls() {
    let fixture = Fixture::new().await;
    let sim = fixture.sim();
    let receiver = Receiver::new().await;
    sim.set_webhook_url(fixture.app.app_id, Some(&receiver.url)).unwrap();
    let id = fixture.install("acme-coffee");
    fixture.user_token("mia").await;
    let grant = json!({ "app_id": fixture.app.app_id, "user": "mia" });
    assert_eq!(call(&fixture, Method::DELETE, "/authorizations", Some(grant.clone())).await.0, 204);
    assert_eq!(call(&fixture, Method::DELETE, "/authorizations", Some(grant)).await.0, 422);
    assert_eq!(post(&fixture, "/users/mia/refuse-authorization", json!({ "refuse": true })).await.0, 204);
    let uninstall = format!("/installations/{id}/uninstall");
    assert_eq!(call(&fixture, Method::POST, &uninstall, None).await.0, 204);
    assert_eq!(call(&fixture, Method::POST, &uninstall, None).await.0, 404);
    sim.settled().await;
    let expected =
        ["ping", "installation.created", "github_app_authorization.revoked", "installation.deleted"];
    assert_eq!(receiver.events(), expected);
    assert_eq!(receiver.received()[3].payload()["sender"]["login"], "olga");
}
