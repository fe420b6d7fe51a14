//! An App that is installed already is connected to a product: through the configure page, or by asking for authorization alone.

use crate::receiver::Hooked;
use crate::support::{CALLBACK, World, query};
use dockline_github_sim::NewApp;
use reqwest::{Response, Url};

const SETUP: &str = "http://127.0.0.1:1/setup";
const STATE: &str = "v1~0042~a.b_c-9";

async fn save(world: &World, state: Option<&str>) -> Response {
    world.sim().default_user(Some("olga")).unwrap();
    let account = world.sim().installations()[0].account_id.to_string();
    let url = format!("{}/apps/dockline-dev/installations/new", world.running.web);
    let page = Url::parse_with_params(&url, state.map(|state| ("state", state))).unwrap();
    let html = world.client.get(page).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<h1>Configure dockline-dev</h1>") && html.contains("id=\"save\""), "{html}");
    assert_eq!(state.is_some(), html.contains("name=\"state\""), "{html}");
    let mut form = vec![("account", account.as_str()), ("action", "save"), ("repository_selection", "all")];
    form.extend(state.map(|state| ("state", state)));
    world.client.post(url).form(&form).send().await.unwrap()
}

async fn authorize(world: &World, more: &[(&str, &str)]) -> Response {
    let mut pairs = vec![("client_id", world.app.client_id.as_str())];
    pairs.extend_from_slice(more);
    let url = format!("{}/login/oauth/authorize", world.running.web);
    world.client.get(Url::parse_with_params(&url, pairs).unwrap()).send().await.unwrap()
}

#[tokio::test]
async fn saving_leads_to_the_app_with_the_state_and_without_a_code() {
    for (app, target) in [
        (NewApp::new("dockline-dev", CALLBACK), CALLBACK),
        (NewApp::new("dockline-dev", CALLBACK).with_setup_url(SETUP), SETUP),
        // A code comes on updates only where the App was told so, and never to a setup URL.
        (NewApp::new("dockline-dev", CALLBACK).with_setup_url(SETUP).with_code_on_update(true), SETUP),
    ] {
        let world = World::with(app).await;
        let id = world.install("acme-coffee");
        for state in [Some(STATE), None] {
            let response = save(&world, state).await;
            assert_eq!(response.status(), 302);
            assert!(response.headers()["location"].to_str().unwrap().starts_with(target));
            let back = query(&response);
            assert_eq!(
                (back["installation_id"].as_str(), back["setup_action"].as_str()),
                (id.to_string().as_str(), "update")
            );
            assert_eq!(back.get("state").map(String::as_str), state);
            assert!(!back.contains_key("code"));
        }
        assert_eq!(world.sim().installations().len(), 1, "nothing is installed again");
    }
}

#[tokio::test]
async fn saving_nothing_new_tells_nobody() {
    let hooked = Hooked::new().await;
    hooked.world.install("acme-coffee");
    hooked.arrived().await;
    save(&hooked.world, Some(STATE)).await;
    assert_eq!(hooked.arrived().await.len(), 0);
}

#[tokio::test]
async fn authorization_alone_brings_code_and_state() {
    let world = World::new().await;
    world.sim().default_user(Some("olga")).unwrap();
    let response = authorize(&world, &[("state", STATE)]).await;
    assert!(response.headers()["location"].to_str().unwrap().starts_with(CALLBACK));
    let back = query(&response);
    assert_eq!((back["state"].as_str(), back["code"].len()), (STATE, 20));
    assert!(!back.contains_key("installation_id") && !back.contains_key("setup_action"));
    assert!(!query(&authorize(&world, &[]).await).contains_key("state"));
}

#[tokio::test]
async fn who_refuses_comes_back_with_an_error_and_the_state() {
    let second = "http://127.0.0.1:1/second";
    let world = World::with(NewApp::new("dockline-dev", CALLBACK).with_callback_url(second)).await;
    world.sim().default_user(Some("olga")).unwrap();
    world.sim().refuse_authorization("olga", true).unwrap();
    let response = authorize(&world, &[("state", STATE), ("redirect_uri", second)]).await;
    assert_eq!(response.status(), 302);
    assert!(response.headers()["location"].to_str().unwrap().starts_with(second));
    let back = query(&response);
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", STATE));
    assert!(
        back.contains_key("error_description")
            && back.contains_key("error_uri")
            && !back.contains_key("code")
    );
    assert!(!query(&authorize(&world, &[]).await).contains_key("state"));
    // A refusal goes nowhere else than an agreement would.
    assert_eq!(authorize(&world, &[("redirect_uri", "https://evil.example/")]).await.status(), 400);
    world.sim().default_user(Some("mia")).unwrap();
    assert!(query(&authorize(&world, &[]).await).contains_key("code"), "somebody else agrees");
    world.sim().default_user(Some("olga")).unwrap();
    world.sim().refuse_authorization("olga", false).unwrap();
    assert!(query(&authorize(&world, &[]).await).contains_key("code"));
    assert!(world.sim().refuse_authorization("acme-coffee", true).is_err());
}

#[tokio::test]
async fn after_a_reinstall_the_new_id_arrives() {
    let world = World::new().await;
    let first = world.install("acme-coffee");
    world.sim().uninstall(first).unwrap();
    let second = world.install("acme-coffee");
    assert_ne!(first, second);
    assert_eq!(query(&save(&world, Some(STATE)).await)["installation_id"], second.to_string());
    world.sim().rename("acme-coffee", "acme-tea").unwrap();
    assert_eq!(query(&save(&world, Some(STATE)).await)["installation_id"], second.to_string());
}
