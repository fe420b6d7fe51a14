//! What members asked for, as the App reads it.

use crate::support::{CALLBACK, World};
use dockline_github_sim::NewApp;
use serde_json::{Value, json};

const PATH: &str = "/app/installation-requests";

/// Mia asks acme-coffee's owners in the browser.
pub(crate) async fn ask(world: &World) {
    world.sim().default_user(Some("mia")).unwrap();
    let state = world.client.get(format!("{}/state", world.running.control)).send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    let accounts = state["accounts"].as_array().unwrap();
    let account =
        accounts.iter().find(|account| account["login"] == "acme-coffee").unwrap()["id"].to_string();
    let url = format!("{}/apps/dockline-dev/installations/new", world.running.web);
    let form = [("account", account.as_str()), ("action", "request"), ("state", "mias")];
    assert_eq!(world.client.post(url).form(&form).send().await.unwrap().status(), 302);
}

#[tokio::test]
async fn a_request_is_listed_until_it_is_approved() {
    let world = World::new().await;
    assert_eq!(world.as_app(PATH).await, (200, json!([])));
    ask(&world).await;
    world.sim().advance_clock(60);
    ask(&world).await;
    let (_, list) = world.as_app(PATH).await;
    let [request] = &list.as_array().unwrap()[..] else { panic!("{list}") };
    let known = &world.sim().installation_requests()[0];
    assert_eq!((&request["id"], &request["account"]["id"]), (&json!(known.id), &json!(known.account_id)));
    assert_eq!(request["requester"]["login"], "mia");
    assert!(request["created_at"].is_string());
    world.sim().approve_request(known.id, "olga").unwrap();
    assert_eq!(world.as_app(PATH).await, (200, json!([])));
}

#[tokio::test]
async fn another_app_does_not_see_it() {
    let world = World::new().await;
    ask(&world).await;
    let other = world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let other = World { app: other, ..world };
    assert_eq!(other.as_app(PATH).await, (200, json!([])));
    assert_eq!(other.get(PATH, "rubbish").await.0, 401);
}
