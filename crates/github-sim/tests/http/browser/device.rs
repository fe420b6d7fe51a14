//! The device flow.

use crate::support::{CALLBACK, Fixture, status_and_body};
use dockline_github_sim::NewApp;
use reqwest::header;
use serde_json::Value;

async fn post(fixture: &Fixture, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let request = fixture.client.post(format!("{}{path}", fixture.running.web)).form(form);
    status_and_body(request.header(header::ACCEPT, "application/json").send().await.unwrap()).await
}

async fn poll(fixture: &Fixture, device_code: &str) -> Value {
    let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    let form = [
        ("client_id", fixture.app.client_id.as_str()),
        ("device_code", device_code),
        ("grant_type", grant_type),
    ];
    post(fixture, "/login/oauth/access_token", &form).await.1
}

async fn fixture() -> Fixture {
    let fixture = Fixture::with(NewApp::new("dockline-dev", CALLBACK).with_device_flow()).await;
    fixture.sim().default_user(Some("olga")).unwrap();
    fixture
}

/// Returns a device code and its user code.
async fn start(fixture: &Fixture) -> (String, String) {
    let (status, codes) =
        post(fixture, "/login/device/code", &[("client_id", fixture.app.client_id.as_str())]).await;
    assert_eq!((status, &codes["expires_in"], &codes["interval"]), (200, &900.into(), &5.into()));
    assert_eq!(codes["verification_uri"], format!("{}/login/device", fixture.running.web));
    let text = |field: &str| codes[field].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

#[tokio::test]
async fn device_gets_a_token_after_the_user_entered_the_code() {
    let fixture = fixture().await;
    let (device, user_code) = start(&fixture).await;
    assert_eq!(poll(&fixture, &device).await["error"], "authorization_pending");
    let early = poll(&fixture, &device).await;
    assert_eq!((&early["error"], &early["interval"]), (&"slow_down".into(), &10.into()));
    let page = fixture.client.get(format!("{}/login/device", fixture.running.web)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("id=\"user-code\""));
    let form = [("user_code", user_code.as_str()), ("action", "authorize")];
    assert_eq!(post(&fixture, "/login/device", &form).await.0, 200);
    assert_eq!(post(&fixture, "/login/device", &form).await.0, 404, "the code works once");
    fixture.sim().advance_clock(11);
    let tokens = poll(&fixture, &device).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(fixture.get("/user", token).await.1["login"], "olga");
    assert_eq!(poll(&fixture, &device).await["error"], "incorrect_device_code");
}

#[tokio::test]
async fn device_is_told_of_refusals_and_expiry() {
    let fixture = fixture().await;
    let (device, user_code) = start(&fixture).await;
    post(&fixture, "/login/device", &[("user_code", &user_code), ("action", "cancel")]).await;
    assert_eq!(poll(&fixture, &device).await["error"], "access_denied");
    let (device, _) = start(&fixture).await;
    fixture.sim().advance_clock(901);
    assert_eq!(poll(&fixture, &device).await["error"], "expired_token");
    assert_eq!(poll(&fixture, "unknown").await["error"], "incorrect_device_code");
}

#[tokio::test]
async fn app_without_the_device_flow_is_refused() {
    let fixture = Fixture::new().await;
    let form = [("client_id", fixture.app.client_id.as_str())];
    assert_eq!(post(&fixture, "/login/device/code", &form).await.1["error"], "device_flow_disabled");
    assert_eq!(poll(&fixture, "x").await["error"], "device_flow_disabled");
}
