//! The settings pages of owners.

use crate::support::{Fixture, location_query};
use reqwest::Response;

async fn open(fixture: &Fixture, address: &str) -> (u16, String) {
    let response = fixture.client.get(address).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn press(fixture: &Fixture, address: &str, action: &str) -> Response {
    fixture.client.post(address).form(&[("action", action)]).send().await.unwrap()
}

#[tokio::test]
async fn html_url_leads_to_the_settings_of_the_installation() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    for account in ["acme-coffee", "olga"] {
        let id = fixture.install(account);
        let path = format!("/app/installations/{id}");
        let address = fixture.get_as_app(&path).await.1["html_url"].as_str().unwrap().to_owned();
        assert!(open(&fixture, &address).await.1.contains("<strong id=\"status\">active</strong>"));

        assert_eq!(press(&fixture, &address, "suspend").await.status(), 302);
        assert_eq!(fixture.get_as_app(&path).await.1["suspended_by"]["login"], "olga");
        assert!(open(&fixture, &address).await.1.contains("id=\"unsuspend\""));
        press(&fixture, &address, "unsuspend").await;
        assert!(fixture.get_as_app(&path).await.1["suspended_at"].is_null());

        let list = press(&fixture, &address, "uninstall").await;
        assert_eq!(list.headers()["location"], "/settings/installations");
        assert_eq!(fixture.get_as_app(&path).await.0, 404);
        assert_eq!(open(&fixture, &address).await.0, 404);
    }
}

#[tokio::test]
async fn members_and_visitors_cannot_change_the_installation() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let address = format!("{}/organizations/acme-coffee/settings/installations/{id}", fixture.running.web);
    fixture.sim().default_user(Some("mia")).unwrap();
    assert_eq!(open(&fixture, &address).await.0, 404);
    assert_eq!(press(&fixture, &address, "uninstall").await.status(), 404);
    fixture.sim().default_user(None).unwrap();
    assert_eq!(press(&fixture, &address, "uninstall").await.status(), 302);
    assert!(fixture.sim().installation(id).is_some());
}

#[tokio::test]
async fn approval_redirects_without_the_members_state() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("mia")).unwrap();
    let install = format!("{}/apps/dockline-dev/installations/new", fixture.running.web);
    let page = open(&fixture, &install).await.1;
    let account = page.split("<option value=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    let form = [("account", account.as_str()), ("action", "request"), ("state", "mias")];
    fixture.client.post(install).form(&form).send().await.unwrap();
    let request = fixture.sim().installation_requests()[0].id;
    let approve = format!("{}/settings/installation-requests/{request}", fixture.running.web);
    assert_eq!(press(&fixture, &approve, "").await.status(), 404, "members cannot approve");

    fixture.sim().default_user(Some("olga")).unwrap();
    let list = open(&fixture, &format!("{}/settings/installations", fixture.running.web)).await.1;
    assert!(
        list.contains(&format!("id=\"approve-{request}\"")) && list.contains("mia requests dockline-dev")
    );
    let back = location_query(&press(&fixture, &approve, "").await);
    assert_eq!(back["installation_id"], fixture.sim().installations()[0].id.to_string());
    assert!(back.contains_key("code") && !back.contains_key("state"));
}

#[tokio::test]
async fn home_page_lists_the_apps() {
    let fixture = Fixture::new().await;
    let (status, page) = open(&fixture, &fixture.running.web).await;
    assert_eq!(status, 200);
    assert!(page.contains("href=\"/apps/dockline-dev\"") && page.contains("Not signed in."));
    let (_, app) = open(&fixture, &format!("{}/github-apps/dockline-dev", fixture.running.web)).await;
    assert!(app.contains("members: read") && app.contains("href=\"/apps/dockline-dev/installations/new\""));
}
