//! With the policy `state` the example of the API documentation works verbatim.

mod support;

use dockline::ClaimPolicy;
use dockline_demo::http_client::loopback;
use secrecy::ExposeSecret;
use serde_json::Value;

/// The body as printed in the documentation, with its whitespace.
const BODY: &str = r#"{
    "installationId": 50291845,
    "state": "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK"
  }"#;

#[tokio::test]
async fn documented_example_binds_acme_coffee() {
    let environment = support::start(ClaimPolicy::State).await;
    let installation = format!("{}/v1/github/installation", environment.addresses().api);
    let client = loopback().build().unwrap();
    let key = environment.acme().key.expose_secret();

    let url = format!(
        "{installation}/install-url?returnUrl=https%3A%2F%2Fapp.example.com%2Fgithub&state=lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK"
    );
    let link = client.get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(link.status(), 200);
    let link: Value = link.json().await.unwrap();
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
    environment.stop().await;
}

#[tokio::test]
async fn documented_example_is_rejected_with_the_default_policy() {
    let environment = support::start(ClaimPolicy::Controlled).await;
    assert!(
        environment.sim().installations().is_empty(),
        "the example's installation needs the policy state"
    );
    let rejected = loopback()
        .build()
        .unwrap()
        .post(format!("{}/v1/github/installation", environment.addresses().api))
        .bearer_auth(environment.acme().key.expose_secret())
        .header("content-type", "application/json")
        .body(BODY)
        .send()
        .await
        .unwrap();
    assert_eq!(rejected.status(), 422);
    environment.stop().await;
}
