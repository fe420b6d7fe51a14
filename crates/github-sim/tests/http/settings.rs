//! What an owner may do about Apps on their accounts, in the browser.

use crate::support::{World, query};
use reqwest::Response;

async fn open(world: &World, address: &str) -> (u16, String) {
    let response = world.client.get(address).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn press(world: &World, address: &str, action: &str) -> Response {
    world.client.post(address).form(&[("action", action)]).send().await.unwrap()
}

#[tokio::test]
async fn the_address_in_the_api_leads_to_suspending_and_uninstalling() {
    let world = World::new().await;
    world.sim().default_user(Some("olga")).unwrap();
    for account in ["acme-coffee", "olga"] {
        let id = world.install(account);
        let path = format!("/app/installations/{id}");
        let address = world.as_app(&path).await.1["html_url"].as_str().unwrap().to_owned();
        assert!(open(&world, &address).await.1.contains("<strong id=\"standing\">active</strong>"));

        assert_eq!(press(&world, &address, "suspend").await.status(), 302);
        assert_eq!(world.as_app(&path).await.1["suspended_by"]["login"], "olga");
        assert!(open(&world, &address).await.1.contains("id=\"unsuspend\""));
        press(&world, &address, "unsuspend").await;
        assert!(world.as_app(&path).await.1["suspended_at"].is_null());

        let list = press(&world, &address, "uninstall").await;
        assert_eq!(list.headers()["location"], "/settings/installations");
        assert_eq!(world.as_app(&path).await.0, 404);
        assert_eq!(open(&world, &address).await.0, 404);
    }
}

#[tokio::test]
async fn members_and_strangers_may_not() {
    let world = World::new().await;
    let id = world.install("acme-coffee");
    let address = format!("{}/organizations/acme-coffee/settings/installations/{id}", world.running.web);
    world.sim().default_user(Some("mia")).unwrap();
    assert_eq!(open(&world, &address).await.0, 404);
    assert_eq!(press(&world, &address, "uninstall").await.status(), 404);
    world.sim().default_user(None).unwrap();
    assert_eq!(press(&world, &address, "uninstall").await.status(), 302);
    assert!(world.sim().installation(id).is_some());
}

#[tokio::test]
async fn an_owner_approves_and_arrives_at_the_app_without_the_members_state() {
    let world = World::new().await;
    world.sim().default_user(Some("mia")).unwrap();
    let install = format!("{}/apps/dockline-dev/installations/new", world.running.web);
    let page = open(&world, &install).await.1;
    let account = page.split("<option value=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    let form = [("account", account.as_str()), ("action", "request"), ("state", "mias")];
    world.client.post(install).form(&form).send().await.unwrap();
    let request = world.sim().installation_requests()[0].id;
    let approve = format!("{}/settings/installation-requests/{request}", world.running.web);
    assert_eq!(press(&world, &approve, "").await.status(), 404, "a member cannot approve");

    world.sim().default_user(Some("olga")).unwrap();
    let list = open(&world, &format!("{}/settings/installations", world.running.web)).await.1;
    assert!(
        list.contains(&format!("id=\"approve-{request}\"")) && list.contains("mia asks for dockline-dev")
    );
    let back = query(&press(&world, &approve, "").await);
    assert_eq!(back["installation_id"], world.sim().installations()[0].id.to_string());
    assert!(back.contains_key("code") && !back.contains_key("state"));
}

#[tokio::test]
async fn the_first_page_leads_to_the_apps() {
    let world = World::new().await;
    let (status, page) = open(&world, &world.running.web).await;
    assert_eq!(status, 200);
    assert!(page.contains("href=\"/apps/dockline-dev\"") && page.contains("Nobody is signed in."));
    let (_, app) = open(&world, &format!("{}/github-apps/dockline-dev", world.running.web)).await;
    assert!(app.contains("members: read") && app.contains("href=\"/apps/dockline-dev/installations/new\""));
}
