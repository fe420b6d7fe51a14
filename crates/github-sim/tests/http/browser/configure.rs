//! Connecting an App that is already installed: on the configure page, or by authorization alone.

use crate::support::{CALLBACK, Fixture, location_query};
use crate::webhooks::receiver::WebhookFixture;
use dockline_github_sim::NewApp;
use reqwest::{Response, Url};

const SETUP: &str = "http://127.0.0.1:1/setup";
const STATE: &str = "v1~0042~a.b_c-9";

async fn save(fixture: &Fixture, state: Option<&str>) -> Response {
    fixture.sim().default_user(Some("olga")).unwrap();
    let account = fixture.sim().installations()[0].account_id.to_string();
    let url = format!("{}/apps/dockline-dev/installations/new", fixture.running.web);
    let page = Url::parse_with_params(&url, state.map(|state| ("state", state))).unwrap();
    let html = fixture.client.get(page).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<h1>Configure dockline-dev</h1>") && html.contains("id=\"save\""), "{html}");
    assert_eq!(state.is_some(), html.contains("name=\"state\""), "{html}");
    let mut form = vec![("account", account.as_str()), ("action", "save"), ("repository_selection", "all")];
    form.extend(state.map(|state| ("state", state)));
    fixture.client.post(url).form(&form).send().await.unwrap()
}

async fn authorize(fixture: &Fixture, more: &[(&str, &str)]) -> Response {
    let mut pairs = vec![("client_id", fixture.app.client_id.as_str())];
    pairs.extend_from_slice(more);
    let url = format!("{}/login/oauth/authorize", fixture.running.web);
    fixture.client.get(Url::parse_with_params(&url, pairs).unwrap()).send().await.unwrap()
}

#[tokio::test]
async fn saving_redirects_with_state_and_without_code() {
    for (app, target) in [
        (NewApp::new("dockline-dev", CALLBACK), CALLBACK),
        (NewApp::new("dockline-dev", CALLBACK).with_setup_url(SETUP), SETUP),
    ] {
        let fixture = Fixture::with(app).await;
        let id = fixture.install("acme-coffee");
        for state in [Some(STATE), None] {
            let response = save(&fixture, state).await;
            assert_eq!(response.status(), 302);
            assert!(response.headers()["location"].to_str().unwrap().starts_with(target));
            let back = location_query(&response);
            assert_eq!(
                (back["installation_id"].as_str(), back["setup_action"].as_str()),
                (id.to_string().as_str(), "update")
            );
            assert_eq!(back.get("state").map(String::as_str), state);
            assert!(!back.contains_key("code"));
        }
        assert_eq!(fixture.sim().installations().len(), 1, "the App is not installed again");
    }
}

#[tokio::test]
async fn saving_without_changes_sends_no_webhook() {
    let webhooks = WebhookFixture::new().await;
    webhooks.fixture.install("acme-coffee");
    webhooks.received().await;
    save(&webhooks.fixture, Some(STATE)).await;
    assert_eq!(webhooks.received().await.len(), 0);
}

#[tokio::test]
async fn authorization_redirects_with_code_and_state() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let response = authorize(&fixture, &[("state", STATE)]).await;
    assert!(response.headers()["location"].to_str().unwrap().starts_with(CALLBACK));
    let back = location_query(&response);
    assert_eq!((back["state"].as_str(), back["code"].len()), (STATE, 20));
    assert!(!back.contains_key("installation_id") && !back.contains_key("setup_action"));
    assert!(!location_query(&authorize(&fixture, &[]).await).contains_key("state"));
}

#[tokio::test]
async fn declined_authorization_redirects_with_error_and_state() {
    let second = "http://127.0.0.1:1/second";
    let fixture = Fixture::with(NewApp::new("dockline-dev", CALLBACK).with_callback_url(second)).await;
    fixture.sim().default_user(Some("olga")).unwrap();
    fixture.sim().refuse_authorization("olga", true).unwrap();
    let response = authorize(&fixture, &[("state", STATE), ("redirect_uri", second)]).await;
    assert_eq!(response.status(), 302);
    assert!(response.headers()["location"].to_str().unwrap().starts_with(second));
    let back = location_query(&response);
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", STATE));
    assert!(
        back.contains_key("error_description")
            && back.contains_key("error_uri")
            && !back.contains_key("code")
    );
    assert!(!location_query(&authorize(&fixture, &[]).await).contains_key("state"));
    // The error is sent to callback URLs only.
    assert_eq!(authorize(&fixture, &[("redirect_uri", "https://evil.example/")]).await.status(), 400);
    fixture.sim().default_user(Some("mia")).unwrap();
    assert!(
        location_query(&authorize(&fixture, &[]).await).contains_key("code"),
        "other users still authorize the App"
    );
    fixture.sim().default_user(Some("olga")).unwrap();
    fixture.sim().refuse_authorization("olga", false).unwrap();
    assert!(location_query(&authorize(&fixture, &[]).await).contains_key("code"));
    assert!(fixture.sim().refuse_authorization("acme-coffee", true).is_err());
}

#[tokio::test]
async fn saving_after_reinstallation_redirects_with_the_new_id() {
    let fixture = Fixture::new().await;
    let first = fixture.install("acme-coffee");
    fixture.sim().uninstall(first).unwrap();
    let second = fixture.install("acme-coffee");
    assert_ne!(first, second);
    assert_eq!(location_query(&save(&fixture, Some(STATE)).await)["installation_id"], second.to_string());
    fixture.sim().rename("acme-coffee", "acme-tea").unwrap();
    assert_eq!(location_query(&save(&fixture, Some(STATE)).await)["installation_id"], second.to_string());
}
