//! The API page's example works to the letter where nothing but the state is asked for.

use dockline::ClaimPolicy;
use dockline_listener::ListenAddr;
use dockline_server::demo::Demo;
use dockline_server::http_client::loopback;
use secrecy::ExposeSecret;
use serde_json::Value;

/// As it stands on the page, down to the blanks.
const BODY: &str = r#"{
    "installationId": 50291845,
    "state": "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK"
  }"#;

#[tokio::test]
async fn the_pages_example_binds_acme_coffee() {
    let demo =
        Demo::start(ListenAddr::loopback(0), ListenAddr::loopback(0), ClaimPolicy::State).await.unwrap();
    let installation = format!("{}/v1/github/installation", demo.addresses().api);
    let client = loopback().unwrap();
    let key = demo.acme().key.expose_secret();

    let url = format!(
        "{installation}/install-url?returnUrl=https%3A%2F%2Fapp.example.com%2Fgithub&state=lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK"
    );
    let link = client.get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(link.status(), 200);
    let link: Value = serde_json::from_str(&link.text().await.unwrap()).unwrap();
    assert_eq!(link["state"], "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK");

    let post =
        || client.post(&installation).bearer_auth(key).header("content-type", "application/json").body(BODY);
    let created = post().send().await.unwrap();
    assert_eq!(created.status(), 201);
    let created = created.text().await.unwrap();
    let (before, time) = created.split_at(created.find("\"registeredAt\":\"").unwrap());
    assert_eq!(
        before,
        r#"{"installationId":50291845,"githubAccount":{"login":"acme-coffee","type":"Organization"},"orgLogin":"acme-coffee","status":"active","#
    );
    assert!(time.ends_with("+00:00\"}"), "{time}");

    let again = post().send().await.unwrap();
    assert_eq!(again.status(), 201);
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.text().await.unwrap(), created);
    demo.stop().await;
}

#[tokio::test]
async fn without_that_policy_the_example_is_refused_like_a_number_that_nobody_has() {
    let (zero, policy) = (ListenAddr::loopback(0), ClaimPolicy::Controlled);
    let demo = Demo::start(zero, zero, policy).await.unwrap();
    let app = demo.sim().installations().len();
    assert_eq!(app, 0, "the example's installation is only there under the policy state");
    let client = loopback().unwrap();
    let refused = client
        .post(format!("{}/v1/github/installation", demo.addresses().api))
        .bearer_auth(demo.acme().key.expose_secret())
        .header("content-type", "application/json")
        .body(BODY)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 422);
    demo.stop().await;
}
