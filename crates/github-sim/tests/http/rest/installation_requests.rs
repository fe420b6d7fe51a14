//! `GET /app/installation-requests`.

use crate::support::{CALLBACK, Fixture};
use dockline_github_sim::NewApp;
use serde_json::{Value, json};

const PATH: &str = "/app/installation-requests";

/// mia requests the App for acme-coffee on the install page.
pub(crate) async fn request_installation(fixture: &Fixture) {
    fixture.sim().default_user(Some("mia")).unwrap();
    let state = fixture.client.get(format!("{}/state", fixture.running.control)).send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    let accounts = state["accounts"].as_array().unwrap();
    let account =
        accounts.iter().find(|account| account["login"] == "acme-coffee").unwrap()["id"].to_string();
    let url = format!("{}/apps/dockline-dev/installations/new", fixture.running.web);
    let form = [("account", account.as_str()), ("action", "request"), ("state", "mias")];
    assert_eq!(fixture.client.post(url).form(&form).send().await.unwrap().status(), 302);
}

#[tokio::test]
async fn installation_request_is_listed_until_approval() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.get_as_app(PATH).await, (200, json!([])));
    request_installation(&fixture).await;
    fixture.sim().advance_clock(60);
    request_installation(&fixture).await;
    let (_, list) = fixture.get_as_app(PATH).await;
    let [request] = &list.as_array().unwrap()[..] else { panic!("{list}") };
    let known = &fixture.sim().installation_requests()[0];
    assert_eq!((&request["id"], &request["account"]["id"]), (&json!(known.id), &json!(known.account_id)));
    assert_eq!(request["requester"]["login"], "mia");
    assert!(request["created_at"].is_string());
    fixture.sim().approve_request(known.id, "olga").unwrap();
    assert_eq!(fixture.get_as_app(PATH).await, (200, json!([])));
}

#[tokio::test]
async fn installation_request_is_hidden_from_other_apps() {
    let fixture = Fixture::new().await;
    request_installation(&fixture).await;
    let other = fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let other = Fixture { app: other, ..fixture };
    assert_eq!(other.get_as_app(PATH).await, (200, json!([])));
    assert_eq!(other.get(PATH, "rubbish").await.0, 401);
}
